// Which versions may stand side by side in a mesh: the number grows by one with each version that writes something older ones do not
// fold. Neighbours (N and N-1) understand each other; a kind of entry is written only when every member knows it.

/** What this version speaks. A member that tells no number speaks the first. */
export const PROTOCOL_VERSION = 1

/** Kinds of entries that came after the first version, and the number they came with. */
export const KIND_SINCE: Readonly<Record<string, number>> = {}

/** Whether every member folds this kind. @param spoken the numbers of all members */
export function mayWrite(kind: string, spoken: readonly number[], since: Readonly<Record<string, number>> = KIND_SINCE): boolean {
  return spoken.every((number) => number >= (since[kind] ?? 1))
}
