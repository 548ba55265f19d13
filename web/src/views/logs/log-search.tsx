// The search of a log: a text and how many neighbours to show, both in the address. Ctrl+F goes into it, and once more into the
// browser's own.
import { useEffect, useRef, useState } from 'preact/hooks'
import { Icon } from '../../parts/icons.tsx'

/** The node is asked after typing has paused this long. */
const TYPING_MS = 250
const CONTEXTS = [0, 1, 3, 10] as const

type Props = { q: string; context: number; go: (change: { q: string; context: number }) => void }

export function LogSearch(props: Props) {
  const input = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useState(props.q)
  useEffect(() => setTyped(props.q), [props.q])
  useEffect(() => {
    if (typed === props.q) return
    const timer = setTimeout(() => props.go({ q: typed, context: props.context }), TYPING_MS)
    return () => clearTimeout(timer)
  }, [typed])
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const isFind = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'f'
      if (!isFind || document.activeElement === input.current) return
      event.preventDefault()
      input.current?.select()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [])
  return (
    <div class="log-search" role="search">
      <label class="search">
        <Icon name="search" />
        <span class="off-screen">Search the log</span>
        <input
          ref={input}
          type="search"
          maxLength={200}
          placeholder="Search all lines"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <kbd>Ctrl F</kbd>
      </label>
      <label class="check">
        with{' '}
        <select
          aria-label="Neighbours of a hit"
          value={props.context}
          onChange={(event) => props.go({ q: typed, context: Number(event.currentTarget.value) })}
        >
          {CONTEXTS.map((count) => (
            <option key={count} value={count}>
              {count === 0 ? 'no neighbours' : count === 1 ? 'one line beside' : `${count} lines beside`}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}
