// Passes of a page: where it goes on when the node that served it is gone.
import * as z from 'zod'

/** `url` signs a browser in at that worker, once; it is good for `lifeMs` from the answer on. */
export const passView = z.object({ worker: z.string(), workerName: z.string(), url: z.string(), lifeMs: z.int() }).meta({ id: 'PagePass' })
export type PassView = z.infer<typeof passView>
export const passesView = z.object({ items: z.array(passView) }).meta({ id: 'PagePasses' })
