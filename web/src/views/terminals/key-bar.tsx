// The keys that a phone lacks. A press keeps the keyboard of the phone open; Ctrl and Alt stay on for the next character.
import { type KeyName, keyText } from '../../models/terminals/keys.ts'

export type Modifiers = { ctrl: boolean; alt: boolean }
export const NO_MODIFIERS: Modifiers = { ctrl: false, alt: false }

const KEYS: readonly { key: KeyName; name: string }[] = [
  { key: 'Esc', name: 'Esc, Escape' },
  { key: 'Tab', name: 'Tab' },
  { key: '↑', name: 'Up' },
  { key: '↓', name: 'Down' },
  { key: '←', name: 'Left' },
  { key: '→', name: 'Right' },
  { key: 'Home', name: 'Home' },
  { key: 'End', name: 'End' },
  { key: 'PgUp', name: 'Page up' },
  { key: 'PgDn', name: 'Page down' },
]
const SIGNS = ['|', '/', '-', '~', '_'] as const

export function KeyBar(props: {
  enabled: boolean
  modifiers: Modifiers
  onModifiers: (modifiers: Modifiers) => void
  onKey: (text: string) => void
  hasApplicationCursor: () => boolean
  onDone: () => void
}) {
  const { enabled, modifiers, onModifiers } = props
  const button = (name: string, label: string, act: () => void, pressed?: boolean) => (
    <button
      key={name}
      type="button"
      aria-label={name}
      {...(pressed === undefined ? {} : { 'aria-pressed': pressed })}
      disabled={!enabled}
      // The focus stays where the phone's keyboard belongs to.
      onPointerDown={(event) => event.preventDefault()}
      onClick={() => {
        act()
        props.onDone()
      }}
    >
      {label}
    </button>
  )
  return (
    <div class="key-bar" role="toolbar" aria-label="Keys">
      {button('Ctrl, Control', 'Ctrl', () => onModifiers({ ...modifiers, ctrl: !modifiers.ctrl }), modifiers.ctrl)}
      {button('Alt', 'Alt', () => onModifiers({ ...modifiers, alt: !modifiers.alt }), modifiers.alt)}
      {KEYS.map(({ key, name }) => button(name, key, () => props.onKey(keyText(key, props.hasApplicationCursor()))))}
      {SIGNS.map((sign) => button(`Type ${sign}`, sign, () => props.onKey(sign)))}
    </div>
  )
}
