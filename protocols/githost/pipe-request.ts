// What a pipe between two members is opened for: one DAG-CBOR frame.
import { decode, encode } from '@ipld/dag-cbor'
import * as z from 'zod'
import { hostedName } from './hosted-names.ts'

export const pipeRequest = z.discriminatedUnion('op', [
  /** A hosted repository: `upload` sends objects out, `receive` takes a push. The bytes are those of git's own protocol. */
  z.looseObject({ op: z.literal('git'), repo: hostedName, service: z.enum(['upload', 'receive']) }),
  /** What is kept here of the repository at this address: objects out, nothing in. */
  z.looseObject({ op: z.literal('mirror'), url: z.string().max(2048) }),
])
export type PipeRequest = z.infer<typeof pipeRequest>

export function encodePipeRequest(request: PipeRequest): Uint8Array {
  return encode(request)
}

/** Undefined where this version does not know it. */
export function decodePipeRequest(bytes: Uint8Array): PipeRequest | undefined {
  try {
    return pipeRequest.safeParse(decode(bytes)).data
  } catch {
    return undefined // not canonical DAG-CBOR
  }
}
