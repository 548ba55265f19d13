// Tools that look at the mesh: what it is doing, and who is there.
import * as z from 'zod'
import type { MeshView, WorkerView } from '../../../../protocols/http/views.ts'
import type { MeshTool } from '../tool.ts'
import { meshTool } from '../tool.ts'

const WORKERS_MAX = 100

export const MESH_TOOLS: readonly MeshTool[] = [
  meshTool({
    name: 'mesh_status',
    title: 'State of the mesh',
    description: 'How many workers are alive, whether a majority of keepers can be reached, and how many tasks there are of each state.',
    verb: 'mesh.read',
    input: z.strictObject({}),
    readOnly: true,
    async run(_input, { call, signal }) {
      const { mesh, self, members, group, tasks } = (await call('GET', '/api/mesh', { signal })) as MeshView
      return {
        mesh,
        self: self.name,
        workers: { alive: members.filter(({ state }) => state === 'alive').length, all: members.length },
        keepers: { reachable: group.reachable, needed: group.majority },
        tasks,
      }
    },
  }),
  meshTool({
    name: 'list_workers',
    title: 'Workers of the mesh',
    description:
      'The machines that can run tasks: name, state, roles, skills, pool, free slots and load. Name one in publish_task to run work there.',
    verb: 'mesh.read',
    input: z.strictObject({ only_alive: z.boolean().default(true).describe('leave out those that are not reachable now') }),
    readOnly: true,
    async run({ only_alive }, { call, signal }) {
      const { items } = (await call('GET', '/api/workers?limit=500', { signal })) as { items: WorkerView[] }
      const shown = items.filter(({ state }) => !only_alive || state === 'alive')
      return {
        workers: shown.slice(0, WORKERS_MAX).map(({ name, state, mode, roles, skills, pool, slots, freeSlots, load }) => ({
          name,
          state,
          mode,
          roles,
          skills,
          pool,
          slots,
          freeSlots,
          load: Math.round(load),
        })),
        more: Math.max(0, shown.length - WORKERS_MAX),
      }
    },
  }),
]
