// Full-text search: an index derived from the entries, in memory, made when somebody searches for the first time. By SQLite where
// this Node has it with FTS5; else by looking through the words, which is slower and ranks more simply.
import type { DatabaseSync } from 'node:sqlite'
import type { KnowledgeId } from '../../protocols/ids.ts'

export type Text = { id: KnowledgeId; title: string; text: string; tags: readonly string[] }
export type Hit = { id: KnowledgeId; excerpt: string }
export type TextIndex = {
  readonly engine: 'sqlite' | 'words'
  add(text: Text): void
  remove(id: KnowledgeId): void
  /** The best first. Every word has to be there, the last letters of each may be missing. */
  search(words: readonly string[], limit: number): Hit[]
}

const WORDS_MAX = 16
const EXCERPT_WORDS = 24
const EXCERPT_CHARACTERS = 160

/** The words of a question: everything else in it means nothing to the index. */
export function wordsOf(text: string): string[] {
  return [...text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)].slice(0, WORDS_MAX).map(([word]) => word)
}

export async function createTextIndex(): Promise<TextIndex> {
  try {
    const { DatabaseSync } = await import('node:sqlite')
    return createSqliteIndex(new DatabaseSync(':memory:'))
  } catch {
    return createWordIndex()
  }
}

function createSqliteIndex(database: DatabaseSync): TextIndex {
  database.exec('CREATE VIRTUAL TABLE entry USING fts5(id UNINDEXED, title, text, tags, tokenize = "unicode61 remove_diacritics 2")')
  const add = database.prepare('INSERT INTO entry (id, title, text, tags) VALUES (?, ?, ?, ?)')
  const remove = database.prepare('DELETE FROM entry WHERE id = ?')
  const search = database.prepare(
    `SELECT id, snippet(entry, -1, '', '', '…', ${EXCERPT_WORDS}) AS excerpt FROM entry WHERE entry MATCH ? ORDER BY bm25(entry, 0, 4, 1, 2) LIMIT ?`,
  )
  return {
    engine: 'sqlite',
    add: ({ id, title, text, tags }) => void add.run(id, title, text, tags.join(' ')),
    remove: (id) => void remove.run(id),
    search(words, limit) {
      if (words.length === 0) return []
      const match = words.map((word) => `"${word}"*`).join(' ')
      return search.all(match, limit).map(({ id, excerpt }) => ({ id: String(id) as KnowledgeId, excerpt: String(excerpt) }))
    },
  }
}

/** Exported for its test: the machines of ours have SQLite. */
export function createWordIndex(): TextIndex {
  const entries = new Map<KnowledgeId, Text & { words: string[] }>()
  return {
    engine: 'words',
    add: (text) => void entries.set(text.id, { ...text, words: allWords(`${text.title} ${text.tags.join(' ')} ${text.text}`) }),
    remove: (id) => void entries.delete(id),
    search(words, limit) {
      if (words.length === 0) return []
      return [...entries.values()]
        .map((entry) => ({ entry, score: scoreOf(entry, words) }))
        .filter(({ score }) => score > 0)
        .sort((a, b) => b.score - a.score || (a.entry.id < b.entry.id ? 1 : -1))
        .slice(0, limit)
        .map(({ entry }) => ({ id: entry.id, excerpt: excerptOf(entry.text, words) }))
    },
  }
}

function allWords(text: string): string[] {
  return [...text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)].map(([word]) => word)
}

function scoreOf(entry: Text & { words: string[] }, words: readonly string[]): number {
  const title = allWords(entry.title)
  let score = 0
  for (const word of words) {
    const found = entry.words.filter((one) => one.startsWith(word)).length
    if (found === 0) return 0
    score += found / (found + 2) + (title.some((one) => one.startsWith(word)) ? 4 : 0)
  }
  return score
}

function excerptOf(text: string, words: readonly string[]): string {
  const lower = text.toLowerCase()
  const at = Math.max(0, Math.min(...words.map((word) => lower.indexOf(word)).filter((found) => found >= 0), text.length) - 40)
  const from = at >= text.length ? 0 : at
  const part = text.slice(from, from + EXCERPT_CHARACTERS)
  return `${from > 0 ? '…' : ''}${part}${from + EXCERPT_CHARACTERS < text.length ? '…' : ''}`
}
