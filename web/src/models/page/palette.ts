// What the command palette finds: places, actions, and the workers and tasks that the page knows. Pure.

export type Choice = { key: string; kind: 'page' | 'action' | 'worker' | 'task'; title: string; hint: string; run(): void }

const SHOWN = 12

/** The best ones for what was typed: each of its words has to be there; the start of a word counts more than its middle. */
export function chosen(choices: readonly Choice[], typed: string): Choice[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return choices.filter(({ kind }) => kind === 'page' || kind === 'action').slice(0, SHOWN)
  return choices
    .map((choice, at) => ({ choice, at, score: scoreOf(`${choice.title} ${choice.hint}`.toLowerCase(), words) }))
    .filter(({ score }) => score > 0)
    .toSorted((one, two) => two.score - one.score || one.at - two.at)
    .slice(0, SHOWN)
    .map(({ choice }) => choice)
}

function scoreOf(text: string, words: readonly string[]): number {
  let score = 0
  for (const word of words) {
    const at = text.indexOf(word)
    if (at < 0) return 0
    score += at === 0 ? 4 : /[\s/_-]/.test(text[at - 1] ?? '') || text.includes(` ${word}`) ? 3 : 1
  }
  return score
}
