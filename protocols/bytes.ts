// Byte strings in schemas.
import * as z from 'zod'

/** A byte string of any length up to `lengthMax`. */
export function bytesUpTo(lengthMax: number) {
  return z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length <= lengthMax, `not bytes, or more than ${lengthMax}`)
}

/** A byte string of exactly `length`. */
export function bytesOf(length: number) {
  return z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === length, `not ${length} bytes`)
}
