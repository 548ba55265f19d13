// Schedules: add, list, look at, pause, resume, remove.
import * as z from 'zod'
import type { ScheduleView } from '../../../../protocols/http/schedules.ts'
import { scheduleRequest, scheduleView } from '../../../../protocols/http/schedules.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { listQuery, readBody, readNoBody, readQuery } from '../../input.ts'
import type { SchedulesPort } from '../../ports.ts'
import { notFound } from '../../problems.ts'

const schedulePage = z.object({ items: z.array(scheduleView), next: z.string().optional() }).meta({ id: 'SchedulePage' })

export function scheduleRoutes(schedules: SchedulesPort): Api {
  const api = createRoutes()
  const one = { 200: { text: 'The schedule', schema: scheduleView } }
  const find = (name: string): ScheduleView => {
    const schedule = schedules.find(name)
    if (schedule === undefined) throw notFound('schedule', name)
    return schedule
  }
  api.get(
    '/api/schedules',
    describe({
      id: 'listSchedules',
      tag: 'schedules',
      summary: 'Schedules, by name',
      query: listQuery,
      answers: { 200: { text: 'One page', schema: schedulePage } },
    }),
    (c) => {
      const { cursor = '', q, limit } = readQuery(c, listQuery)
      const text = q?.toLowerCase()
      const found = schedules
        .list()
        .filter(
          (item) => item.name > cursor && (text === undefined || `${item.name} ${item.task.argv.join(' ')}`.toLowerCase().includes(text)),
        )
      const items = found.slice(0, limit)
      return c.json({ items, ...(found.length > limit ? { next: items.at(-1)?.name ?? '' } : {}) })
    },
  )
  api.post(
    '/api/schedules',
    describe({
      id: 'addSchedule',
      tag: 'schedules',
      summary: 'Publish a task again and again: by a cron line, by a period, or once at a time',
      body: scheduleRequest,
      answers: { 201: { text: 'The schedule, with its next ticks', schema: scheduleView } },
    }),
    async (c) => c.json(await schedules.add(await readBody(c, scheduleRequest)), 201),
  )
  api.get('/api/schedules/:name', describe({ id: 'getSchedule', tag: 'schedules', summary: 'One schedule', answers: one }), (c) =>
    c.json(find(c.req.param('name'))),
  )
  api.delete(
    '/api/schedules/:name',
    describe({
      id: 'removeSchedule',
      tag: 'schedules',
      summary: 'Remove a schedule; tasks of its ticks stay',
      answers: { 204: { text: 'It is removed' } },
    }),
    async (c) => {
      await readNoBody(c)
      await schedules.remove(find(c.req.param('name')).name)
      return c.body(null, 204)
    },
  )
  for (const [verb, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    api.post(
      `/api/schedules/:name/${verb}`,
      describe({
        id: `${verb}Schedule`,
        tag: 'schedules',
        summary: paused ? 'No ticks until it is resumed' : 'Tick again; what passed meanwhile is not made up',
        answers: one,
      }),
      async (c) => {
        await readNoBody(c)
        return c.json(await schedules.setPaused(find(c.req.param('name')).name, paused))
      },
    )
  }
  return api
}
