// One clone in a process of its own, so that its memory can be told: node clone-once.ts ENGINE URL DIR. Prints milliseconds.
import { enableCompileCache } from 'node:module'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { cloneInto, fetchInto, type GitEngine } from '../../../node/repos/clone.ts'

enableCompileCache() // as every node has it
const [engine = 'auto', url = '', dir = ''] = process.argv.slice(2)
const clock = createSystemClock()
// The engine's modules are loaded once for each node, not for each clone.
const startMs = clock.nowMs()
const request = { url, dir, clock, limits: { memoryBytesMax: 8e9, receivedBytesMax: 1e9 } }
if (engine === 'mirror') await fetchInto(request)
else await cloneInto({ ...request, engine: engine as GitEngine })
console.log(String(clock.nowMs() - startMs))
