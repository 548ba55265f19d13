// Keys of the page: single letters, and `g` then a letter, never while typing; `Ctrl+K` also there. All off when the person
// turned them off.

export type Shortcut = { keys: string; does: string; run(): void }

/** How long `g` waits for its letter. */
const SEQUENCE_MS = 1_200

export const PALETTE_KEYS = 'Ctrl+K'

export function listenForShortcuts(shortcuts: readonly Shortcut[], enabled: () => boolean, page: Document = document): () => void {
  let prefix = ''
  let prefixAt = 0

  function press(event: KeyboardEvent): void {
    if (enabled() && isPaletteKey(event) && document.querySelector('dialog[open]') === null) {
      event.preventDefault()
      shortcuts.find(({ keys }) => keys === PALETTE_KEYS)?.run()
      return
    }
    if (!enabled() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    const target = event.target
    if (target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable], dialog[open]')) return
    const sequence = prefix !== '' && event.timeStamp - prefixAt < SEQUENCE_MS ? `${prefix} ${event.key}` : event.key
    prefix = ''
    const shortcut = shortcuts.find((candidate) => candidate.keys === sequence)
    if (shortcut !== undefined) {
      event.preventDefault()
      shortcut.run()
    } else if (shortcuts.some((candidate) => candidate.keys.startsWith(`${event.key} `))) {
      prefix = event.key
      prefixAt = event.timeStamp
    }
  }

  page.addEventListener('keydown', press)
  return () => page.removeEventListener('keydown', press)
}

function isPaletteKey({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): boolean {
  return key.toLowerCase() === 'k' && (ctrlKey || metaKey) && !altKey && !shiftKey
}
