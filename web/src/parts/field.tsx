// One field of a form: label, control, hint, and the error beside it where it belongs.
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useState } from 'preact/hooks'

export function Field(props: {
  label: string
  hint?: ComponentChildren
  error?: string | undefined
  wide?: boolean
  control: (attributes: { id: string; 'aria-invalid': boolean; 'aria-describedby': string }) => ComponentChildren
}) {
  const id = useId()
  return (
    <div class={`field ${props.wide ? 'wide' : ''} ${props.error ? 'wrong' : ''}`}>
      <label for={id}>{props.label}</label>
      {props.control({ id, 'aria-invalid': props.error !== undefined, 'aria-describedby': `${id}-note` })}
      <p id={`${id}-note`} class={props.error ? 'field-error' : 'hint'}>
        {props.error ?? props.hint}
      </p>
    </div>
  )
}

/** The text goes into the address after typing has paused this long. */
const TYPING_MS = 250

/**
 * A search field whose text stands in the address: written there when typing pauses, read from there when somebody goes back.
 * @param go leads to the address with that text
 */
export function useTypedAddress(text: string, go: (typed: string) => void): [string, (typed: string) => void] {
  const [typed, setTyped] = useState(text)
  useEffect(() => setTyped(text), [text])
  useEffect(() => {
    if (typed.trim() === text) return
    const timer = setTimeout(() => go(typed.trim()), TYPING_MS)
    return () => clearTimeout(timer)
  }, [typed])
  return [typed, setTyped]
}
