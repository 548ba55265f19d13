// Lines of output as REST gives them out, as JSON lines: single ones, and marks that say how far was read.
import * as z from 'zod'

const source = { task: z.string(), epoch: z.int() }

/** `text` is for looking at: cut where `size`, the bytes of the whole line, says more. `hit`: it holds the text that was asked for. */
export const logLineView = z
  .object({
    type: z.literal('line'),
    ...source,
    line: z.int(),
    offset: z.int(),
    stream: z.enum(['stdout', 'stderr', 'system']),
    time: z.int(),
    text: z.string(),
    size: z.int(),
    hit: z.boolean().optional(),
    /** It has not ended yet: it comes again, longer. */
    open: z.boolean().optional(),
  })
  .meta({ id: 'LogLine' })
export type LogLineView = z.infer<typeof logLineView>

/**
 * Everything up to here was read: so many lines and bytes of that output. `next` is the line to go on from where the limit
 * was reached, and null at the end of what there is; with `follow` lines come after it.
 */
const logMarkView = z
  .object({ type: z.literal('mark'), ...source, lines: z.int(), bytes: z.int(), next: z.int().nullable() })
  .meta({ id: 'LogMark' })
/** Where several outputs are read together, one that cannot be read says why, and the others go on. */
const logFaultView = z
  .object({ type: z.literal('fault'), ...source, code: z.string(), detail: z.string(), cure: z.string().optional() })
  .meta({ id: 'LogFault' })

export const logRow = z.union([logLineView, logMarkView]).meta({ id: 'LogRow' })
export type LogRow = z.infer<typeof logRow>
export const mergedRow = z.union([logLineView, logMarkView, logFaultView]).meta({ id: 'MergedLogRow' })
export type MergedRow = z.infer<typeof mergedRow>
