// Approvals on a real network that is cut: one that is asked while a node hears nothing is answered there after the heal; an answer that
// was given on the cut-off side arrives and counts, once.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bwrap, claude, inState, order, session, start } from '../e2e/agents/agent-mesh.ts'
import { createRealMesh, type RealMesh, type RealNode } from '../support/real-mesh.ts'
import { requirement } from '../support/requirements.ts'
import { type ScriptedModel, startScriptedModel } from '../support/servers/scripted-model.ts'
import { until } from '../support/until.ts'
import { createNetLab, type NetLab } from './net-lab.ts'

const root = requirement('root')
const PATIENCE_MS = 60_000
const CUT_OFF = 2

describe.skipIf(!root.present || !claude.present || !bwrap.present)(
  root.title(bwrap.title(claude.title('approvals and a partition'))),
  () => {
    let lab: NetLab
    let mesh: RealMesh
    let model: ScriptedModel
    beforeAll(async () => {
      lab = createNetLab(3)
      model = await startScriptedModel('0.0.0.0')
      mesh = await createRealMesh()
      for (const [index, place] of lab.places.entries()) {
        // The test's end of the node's own cable.
        const url = model.url.replace('127.0.0.1', place.http.replace('2:0', '1'))
        const words = [`NIMBUS_CLAUDE=${claude.path ?? ''}`, `ANTHROPIC_BASE_URL=${url}`, 'ANTHROPIC_API_KEY=test']
        await mesh.add(`n${index + 1}`, [], { ...place, run: [...place.run, '/usr/bin/env', ...words] })
      }
      await mesh.settled()
    })
    afterAll(async () => {
      await mesh?.close()
      await model?.close()
      lab?.close()
    })

    test('asked during it, answered after it; answered during it, counts after it', async () => {
      const [one, , away] = mesh.nodes as [RealNode, RealNode, RealNode]
      const use = { tools: [{ name: 'Bash', input: { command: 'echo allowed', description: 'ask' } }] }
      model.script([use, use, { text: 'Both were allowed.' }], 'ask-twice')
      lab.partition([CUT_OFF], [0, 1])
      const { id } = await start(one, { prompt: 'ask-twice', worker: 'n2', ask: ['Bash'] })
      await inState(one, id, 'waiting', PATIENCE_MS)
      expect((await away.api(`/api/sessions/${id}`)).status).toBe(404)
      expect(lab.dropped()).toBeGreaterThan(0)
      lab.heal()
      const there = await until(
        async () => {
          const { status, body } = await away.api<{ state: string; asks: { request: string }[] }>(`/api/sessions/${id}`)
          return status === 200 && body.state === 'waiting' ? body.asks[0]?.request : undefined
        },
        { what: 'the request on the other side', timeoutMs: PATIENCE_MS },
      )
      expect(await order(away, id, 'answer', { request: there, allow: true })).toMatchObject({ decision: { allow: true, by: 'n3' } })

      // The second request is known everywhere before the cut.
      const second = await until(
        async () => {
          const view = await session(away, id)
          return view.state === 'waiting' && view.asks[0]?.request !== there ? view.asks[0]?.request : undefined
        },
        { what: 'the second request', timeoutMs: PATIENCE_MS },
      )
      lab.partition([CUT_OFF], [0, 1])
      const during = await order(away, id, 'answer', { request: second, allow: true })
      expect(during.taken).toBe(false)
      expect((await session(one, id)).state).toBe('waiting')
      lab.heal()
      const end = await inState(one, id, 'done', PATIENCE_MS)
      expect(end.said).toBe('Both were allowed.')
      expect(end.decided.map(({ request, by }) => [request, by])).toEqual([
        [there, 'n3'],
        [second, 'n3'],
      ])
    })
  },
)
