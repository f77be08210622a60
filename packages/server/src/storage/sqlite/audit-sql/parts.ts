import { toSql } from 'pgsql-ast-parser';
import type {
  Expr,
  ExprRef,
  SelectedColumn,
  SelectFromStatement,
  SelectFromUnion,
  SelectStatement,
} from 'pgsql-ast-parser';
import { Untranslatable } from './untranslatable.ts';

/** No question has this in it. */
export const RESERVED = 'rampart_part_';
const PART = new RegExp(`SELECT\\s+"?${RESERVED}(\\d+)"?`, 'g');
const TEXT = new RegExp(`"?${RESERVED}text_(\\d+)"?`, 'g');

/**
 * Selects that the printer would put in a way that SQLite does not read: they are printed here, and stand for themselves by number
 * until everything else is printed.
 */
export class Parts {
  readonly #selects: string[] = [];
  readonly #texts: string[] = [];

  /** SQLite takes no parentheses around the sides of a union. */
  union({ type }: SelectFromUnion, [left, right]: readonly [SelectStatement, SelectStatement]): SelectStatement {
    const side = (statement: SelectStatement, isLast: boolean): string => {
      const text = toSql.select(statement);
      const mustStandAlone =
        statement.type === 'select' && !isLast && (statement.limit ?? statement.orderBy) !== undefined;
      return mustStandAlone ? `SELECT * FROM (${text})` : text;
    };
    return this.#put(`${side(left, false)} ${type.toUpperCase()} ${side(right, true)}`);
  }

  /** LIMIT comes before OFFSET. */
  page(statement: SelectFromStatement): SelectStatement {
    const { limit } = statement;
    if (limit?.offset === undefined || limit.offset === null) return statement;
    const { limit: _, ...all } = statement;
    const most = limit.limit === undefined || limit.limit === null ? '-1' : toSql.expr(limit.limit);
    return this.#put(`${toSql.select(all)} LIMIT ${most} OFFSET ${toSql.expr(limit.offset)}`);
  }

  /** The printer writes a backslash in a way that only PostgreSQL reads. */
  text(value: string): ExprRef {
    this.#texts.push(value);
    return { type: 'ref', name: `${RESERVED}text_${this.#texts.length - 1}` };
  }

  fill(text: string): string {
    const filled = text.replaceAll(PART, (_, number: string) => this.#selects[Number(number)] ?? '');
    if (filled !== text) return this.fill(filled);
    return text.replaceAll(
      TEXT,
      (_, number: string) => `'${(this.#texts[Number(number)] ?? '').replaceAll("'", "''")}'`,
    );
  }

  #put(text: string): SelectStatement {
    const name = `${RESERVED}${this.#selects.length}`;
    this.#selects.push(text);
    return { type: 'select', columns: [{ expr: { type: 'ref', name } }] };
  }
}

/** The parser reads chains from the right, where PostgreSQL joins them from the left: of one kind it makes no difference. */
export function checkChain({ type, right }: SelectFromUnion): void {
  if ((right.type === 'union' || right.type === 'union all') && right.type !== type) {
    throw new Untranslatable('UNION and UNION ALL in one chain: put one of them into a subselect');
  }
}

/** Columns without a name get the one that PostgreSQL gives them. */
export function named(column: SelectedColumn): SelectedColumn {
  if (column.alias !== undefined || column.expr.type === 'ref') return column;
  return { ...column, alias: { name: nameOf(column.expr) } };
}

function nameOf(expression: Expr): string {
  if (expression.type === 'call') return expression.function.name;
  if (expression.type === 'cast') return 'name' in expression.to ? expression.to.name : 'array';
  if (expression.type === 'keyword') return expression.keyword;
  return expression.type === 'case' || expression.type === 'extract' ? expression.type : '?column?';
}
