// What a person chose for this browser: theme, shortcuts, line wrap. Kept in localStorage; a browser that refuses
// storage still works, it only forgets.
import { type Signal, effect, signal } from '@preact/signals'

export type Theme = 'system' | 'light' | 'dark'
export type Preferences = { theme: Signal<Theme>; shortcuts: Signal<boolean>; wrapOutput: Signal<boolean> }

const KEY = 'nimbus.preferences'

export function createPreferences(storage: Pick<Storage, 'getItem' | 'setItem'> | undefined, root: HTMLElement): Preferences {
  const kept = read(storage)
  const theme = signal<Theme>(kept.theme === 'light' || kept.theme === 'dark' ? kept.theme : 'system')
  const shortcuts = signal(kept.shortcuts !== false)
  const wrapOutput = signal(kept.wrapOutput !== false)
  effect(() => {
    if (theme.value === 'system') delete root.dataset['theme']
    else root.dataset['theme'] = theme.value
    const text = JSON.stringify({ theme: theme.value, shortcuts: shortcuts.value, wrapOutput: wrapOutput.value })
    try {
      storage?.setItem(KEY, text)
    } catch {
      // Storage is full or refused: the choice holds until the page is left.
    }
  })
  return { theme, shortcuts, wrapOutput }
}

function read(storage: Pick<Storage, 'getItem'> | undefined): Record<string, unknown> {
  try {
    return (JSON.parse(storage?.getItem(KEY) ?? '{}') ?? {}) as Record<string, unknown>
  } catch {
    // Not ours or refused: begin with the defaults.
    return {}
  }
}
