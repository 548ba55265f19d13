// Calls for lines of output, beside those of samples.ts.
import type { CallAnswer, CallRequest } from '../../../protocols/calls.ts'
import { callRequests, CREATED_AT } from '../samples.ts'

const task = (callRequests[0] as Extract<CallRequest, { op: 'log' }>).task
const line = { line: 7, offset: 120, stream: 2, time: CREATED_AT, bytes: Uint8Array.of(104, 105), size: 2, hit: true }

export const lineCalls: CallRequest[] = [
  { op: 'lines', task, epoch: 1, from: 1, limit: 200, q: 'panic', context: 3 },
  { op: 'lines', task, epoch: 2, from: 1, limit: 500, tail: 400, context: 0 },
]
export const lineAnswers: CallAnswer[] = [
  { t: 'lines', lines: [line] },
  { t: 'lines-mark', lines: 8, bytes: 140, next: null, open: [] },
]
