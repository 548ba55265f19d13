// What makes an order one that can be started. Pure; each refusal has its code and cure.
import { NimbusError } from '../kernel/errors.ts'
import type { RunOrder } from './run-order.ts'

/** Runs at a time; more are refused. Slots are far below. */
const RUNS_MAX = 1_000
/** The id stands in environments, file names and patterns. */
const ID_PATTERN = /^[A-Za-z0-9._:-]{1,128}$/

export function checkOrder(
  { id, argv }: RunOrder,
  { closing, running }: { closing: boolean; running: ReadonlyMap<string, unknown> },
): void {
  if (!ID_PATTERN.test(id)) {
    throw new NimbusError(
      'run-id-invalid',
      `${JSON.stringify(id.slice(0, 200))} cannot name a run, because only letters, digits and . _ : - may (up to 128).`,
      {
        kind: 'usage',
        cure: 'Choose another name.',
      },
    )
  }
  const refuse = (code: string, why: string, cure: string): never => {
    throw new NimbusError(code, `The run ${id} was not started, because ${why}.`, {
      kind: code === 'command-missing' ? 'usage' : 'busy',
      cure,
    })
  }
  if (closing) refuse('node-stopping', 'this node stops', 'Let another worker take it.')
  if (argv.length === 0 || argv[0] === '') refuse('command-missing', 'it names no command', 'Give at least one argument.')
  if (running.has(id)) refuse('run-exists', 'one of this name is running', 'Wait for its end, or choose another name.')
  if (running.size >= RUNS_MAX) refuse('runner-full', `${RUNS_MAX} runs are the most at a time`, 'Wait until one ends.')
}
