// How topics and schedules may be called, in records as in requests. Imports nothing of Node: the dashboard reads it too.
import * as z from 'zod'

export const topicName = z.string().regex(/^[a-z0-9][a-z0-9._/-]{0,99}$/i, 'a topic: letters, digits, . _ / -')
export const scheduleName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, 'a name: letters, digits, . _ -')
