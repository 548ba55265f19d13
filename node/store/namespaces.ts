// Where things lie in the database. Append only: a retired prefix is never given to something else.

/** `b/AUTHOR/EPOCH/SEQ` -> body and signature of one block; numbers as 14 digits so that keys sort. */
export const BLOCKS = 'b/'
/** `r/TASK` -> what this seat has promised and accepted for the task's register. */
export const REGISTERS = 'r/'
/** `j/NUMBER` -> registers that one request changed; a higher number counts, and more than `r/`. */
export const REGISTER_JOURNAL = 'j/'
/** `e/NODE/TERM` -> a term that this seat has ended. */
export const ENDED_TERMS = 'e/'
/** `m/NAME` -> single values: epoch, seat, invites. */
export const META = 'm/'
/** `p/PEER` -> remembered addresses of a member. */
export const ADDRESSES = 'p/'

/** The end of a namespace for `range`. */
export function endOf(namespace: string): string {
  return namespace.slice(0, -1) + String.fromCharCode(namespace.charCodeAt(namespace.length - 1) + 1)
}

export function sortable(number: number): string {
  return number.toString().padStart(16, '0')
}
