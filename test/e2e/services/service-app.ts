// A small program to be deployed, a load on it that notices what a person would, and a witness to whom each of its processes tells
// that it is alive.
import { mkdtemp, writeFile } from 'node:fs/promises'
import { Agent, createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

/** `/slow` takes two seconds, `/crash` ends the process, `/health` answers what HEALTH says. */
const APP = `
import { createServer, get } from 'node:http'
const { PORT, VERSION = '1', HEALTH = '200', WITNESS = '', NIMBUS_WORKER, NIMBUS_FENCE } = process.env
const answer = 'v' + VERSION + ' ' + NIMBUS_WORKER
createServer((request, response) => {
  if (request.url === '/health') { response.statusCode = Number(HEALTH); return response.end() }
  if (request.url === '/crash') process.exit(7)
  if (request.url === '/secret') return response.end(String((process.env.API_KEY ?? '').length))
  setTimeout(() => response.end(answer), request.url === '/slow' ? 2000 : 5)
}).listen(PORT, '127.0.0.1', () => console.log('listening as', answer))
process.on('SIGTERM', () => { console.log('goodbye of', answer); process.exit(0) })
const beat = () => get(WITNESS + '/' + NIMBUS_WORKER + '/' + NIMBUS_FENCE + '/' + VERSION, (r) => r.resume()).on('error', () => {})
if (WITNESS !== '') setInterval(beat, 50)
`
export const COMMAND = ['--', 'node', 'app.mjs', '{port}']

export async function appFolder(below: string): Promise<string> {
  const dir = await mkdtemp(join(below, 'app-'))
  await writeFile(join(dir, 'app.mjs'), APP)
  return dir
}

export function ask(address: string, path = '/', agent?: Agent): Promise<string> {
  return new Promise((resolve) => {
    const request = get(`http://${address}${path}`, agent === undefined ? { agent: false } : { agent }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
      response.on('end', () => resolve(response.statusCode === 200 ? text : `status ${response.statusCode}`))
      response.on('error', (error) => resolve(`cut off: ${error.message}`))
    })
    request.on('error', (error: NodeJS.ErrnoException) => resolve(`failed: ${error.code ?? error.message}`))
  })
}

export type Load = { answers: string[]; stop(): Promise<string[]> }

/** Some clients that ask one thing after the other, half of them on connections that they keep. */
export function loadOn(address: string, clients = 6): Load {
  const answers: string[] = []
  let stopped = false
  const kept = new Agent({ keepAlive: true, maxSockets: clients })
  const client = async (index: number): Promise<void> => {
    while (!stopped) answers.push(await ask(address, '/', index % 2 === 0 ? kept : undefined))
  }
  const all = Array.from({ length: clients }, (_, index) => client(index))
  return {
    answers,
    async stop() {
      stopped = true
      await Promise.all(all)
      kept.destroy()
      return answers
    },
  }
}

export type Beat = { worker: string; fence: number; version: string; atMs: number }
export type BeatWitness = { url: string; beats: Beat[]; close(): void }

export async function createBeatWitness(): Promise<BeatWitness> {
  const beats: Beat[] = []
  const server = createServer((request, response) => {
    const [, worker = '', fence = '', version = ''] = request.url?.split('/') ?? []
    beats.push({ worker, fence: Number(fence), version, atMs: performance.now() })
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, beats, close: () => server.close() }
}
