import { afterAll, expect, test } from 'vitest'
import { createRunLab } from '../../support/run-lab.ts'
const lab = createRunLab()
afterAll(() => lab.close())
test('a command runs, its output is logged by stream, and its exit code is reported', async () => {
  const end = await lab.run(lab.order('exit-7', ['sh', '-c', 'echo out; echo err >&2; exit 7']))
  expect(end).toMatchObject({ id: 'exit-7', exitCode: 7, timedOut: false, logSize: 8, droppedBytes: 0 })
  expect(await lab.output('exit-7', 1)).toBe('out\n')
  expect(await lab.output('exit-7', 2)).toBe('err\n')
})
