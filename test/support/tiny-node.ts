// A process that stands for a node in tests which kill it: five runs with a daemon each, last words stored, then it waits.
import { join } from 'node:path'
import { createSystemClock } from '../../node/kernel/clock.ts'
import { silentLog } from '../../node/kernel/log.ts'
import { createRunner } from '../../node/runner/guardian-client.ts'

const [dataDir = '', time = '', port = ''] = process.argv.slice(2)
const runner = createRunner({ clock: createSystemClock(), log: silentLog, dataDir })
runner.lastWords(Buffer.from('epoch ended'), [{ host: '127.0.0.1', port: Number(port) }])
for (let index = 0; index < 5; index++) {
  const argv = ['sh', '-c', `echo begun; setsid -f sleep ${time}; sleep ${time}; :`]
  if (index === 4) argv[2] = `yes ${time}` // one that floods
  const env = { PATH: process.env['PATH'] ?? '' }
  await runner.start({
    id: `work-${index}`,
    argv,
    cwd: dataDir,
    env,
    graceMs: 500,
    logFile: join(dataDir, 'logs', `work-${index}.log`),
    logBytesMax: 1e6,
    tailBytesMax: 4096,
  })
}
process.stdout.write('started\n')
setInterval(() => {}, 60_000)
