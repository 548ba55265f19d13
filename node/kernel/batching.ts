// What makes many small things cost like few: gathering what one turn brings, and giving the same object for the same input.

/** Collects items, and hands them on together when the turn is over. */
export function gather<Item>(take: (items: Item[]) => void): (item: Item) => void {
  let items: Item[] = []
  return (item) => {
    if (items.push(item) > 1) return
    queueMicrotask(() => {
      const gathered = items
      items = []
      take(gathered)
    })
  }
}

/** The same result object again for the same two arguments in a row. */
export function remembered<A, B, Result>(make: (a: A, b: B) => Result): (a: A, b: B) => Result {
  let last: { a: A; b: B; result: Result } | undefined
  return (a, b) => {
    if (last === undefined || last.a !== a || last.b !== b) last = { a, b, result: make(a, b) }
    return last.result
  }
}
