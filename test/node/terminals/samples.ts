// Calls and frames of terminals, beside those of samples.ts.
import type { CallRequest } from '../../../protocols/calls.ts'
import type { TerminalFrame } from '../../../protocols/terminals/frames.ts'
import { callRequests } from '../../protocols/samples.ts'

const task = (callRequests[0] as Extract<CallRequest, { op: 'log' }>).task
const client = '0123456789abcdef0123456789abcdef'
const size = { cols: 80, rows: 24 }

export const terminalCalls: CallRequest[] = [
  { op: 'terminal-attach', task, attach: { client, link: 'fedcba9876543210', who: 'ada', mode: 'write', history: 5_000 } },
  { op: 'terminal-say', task, client, n: 1, say: { t: 'input', data: 'ls\r' } },
  { op: 'terminal-say', task, client, n: 2, say: { t: 'resize', ...size } },
]

export const terminalFrames: TerminalFrame[] = [
  { t: 'event', event: { t: 'hello', you: true, writer: { who: 'ada on alder', since: 1_795_000_000_000 }, title: 'vim' } },
  { t: 'screen', seq: 12, size, more: true, bytes: Uint8Array.of(0x24, 0x20) },
  { t: 'output', seq: 12, bytes: Uint8Array.of(0x6c, 0x73, 0x0d, 0x0a) },
  { t: 'resize', seq: 16, size: { cols: 500, rows: 300 } },
  { t: 'event', event: { t: 'exit', exitCode: 3 } },
]
