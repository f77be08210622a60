/** The access-log record block: what `TelemetryBatch.records` carries. Loads no generated protobuf code. */
export { MAX_BLOCK_BYTES, MAX_RECORDS } from './record-block/layout.ts';
export { countRecords, openRecordBlock, readRecordBlock, type RecordBlock } from './record-block/reader.ts';
export { blankRecord, type RecordInput } from './record-block/record-input.ts';
export { RecordBlockWriter } from './record-block/writer.ts';
