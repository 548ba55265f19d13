// How much of a repository is cloned: how deep its history, which of its folders, and whether the repositories inside it come along.
import * as z from 'zod'
import { CHECKOUT_DEPTH_MAX, SPARSE_PATHS_MAX } from '../limits.ts'

/** A folder or file of a repository, from its root: no way out of it, nothing that a pattern would read otherwise. */
const sparsePath = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\p{Cc}\\*?[\]!#"]+$/u, 'a folder of the repository, without \\ * ? [ ] ! # "')
  .refine((path) => path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'), 'a path such as packages/app')
  .refine((path) => !path.split('/').some((part) => part.toLowerCase() === '.git' || /^\s|\s$/.test(part)), 'a folder of the repository')
  .refine((path) => path.isWellFormed(), 'no lone surrogate')

const parts = {
  /** Commits of history; 1 where it is not said. */
  depth: z.int().min(1).max(CHECKOUT_DEPTH_MAX).optional(),
  /** Only these folders and files, beside the files that lie in the root and on the way to them. */
  sparse: z.array(sparsePath).min(1).max(SPARSE_PATHS_MAX).optional(),
  /** Also the repositories that `.gitmodules` names. */
  submodules: z.boolean().optional(),
}
/** As a client asks for it. */
export const checkoutRequest = z.strictObject(parts)
/** As it stands in a signed task. */
export const checkoutSpec = z.looseObject(parts)
export type Checkout = z.infer<typeof checkoutRequest>
