/**
 * The work, done again only when it is asked about something else than the last time. Many rules ask the same of one
 * request: what they ask is worked out once for all of them, however many there are.
 */
export function keepingLast<Subject, Answer extends object | string>(
  work: (subject: Subject) => Answer,
): (subject: Subject) => Answer {
  let last: { readonly subject: Subject; readonly answer: Answer } | undefined;
  return (subject) => {
    if (last === undefined || last.subject !== subject) last = { subject, answer: work(subject) };
    return last.answer;
  };
}
