// Names that people type must be unique in the mesh. Pure: the same members in the same order give the same names.

/**
 * The displayed name of each member: its requested name, or with `-2`, `-3` … where an earlier member has that one.
 * @param members in the order in which they may choose: by joining time, then peer ID
 */
export function uniqueNames<Id>(members: readonly { peerId: Id; name: string }[]): Map<Id, string> {
  const names = new Map<Id, string>()
  const taken = new Set<string>()
  for (const { peerId, name } of members) {
    let shown = name
    for (let count = 2; taken.has(shown); count++) shown = `${name}-${count}`
    taken.add(shown)
    names.set(peerId, shown)
  }
  return names
}
