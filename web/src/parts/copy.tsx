// Copying: a button that says that it did, and a command line with such a button.
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { Icon } from './icons.tsx'

const SAID_MS = 1_600

/** The clipboard needs a secure context; elsewhere (a phone on http) the old way still works. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // Refused or absent: select and copy as documents always could.
    const area = document.createElement('textarea')
    area.value = text
    area.className = 'off-screen'
    const host = document.querySelector('dialog[open]') ?? document.body
    host.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    return done
  }
}

export function CopyButton(props: { text: string; what: string; children?: ComponentChildren; class?: string }) {
  const [said, setSaid] = useState<'' | 'copied' | 'select it by hand'>('')
  async function copy() {
    setSaid((await copyText(props.text)) ? 'copied' : 'select it by hand')
    setTimeout(() => setSaid(''), SAID_MS)
  }
  return (
    <button
      type="button"
      class={`copy ${props.class ?? 'quiet icon-only'}`}
      {...(props.children === undefined ? { 'aria-label': `Copy ${props.what}` } : {})}
      title={`Copy ${props.what}`}
      onClick={() => void copy()}
    >
      <Icon name={said === 'copied' ? 'check' : 'copy'} />
      {props.children}
      <span class="off-screen" role="status">
        {said}
      </span>
    </button>
  )
}

export function CommandLine(props: { command: string; masked?: boolean }) {
  return (
    <div class="command-line">
      <code>{props.command}</code>
      <CopyButton text={props.command} what="the command" />
    </div>
  )
}

/** An ID that is too long to read: its ends, the whole on hover and on copy. */
export function ShortId(props: { id: string; what: string }) {
  const { id } = props
  const text = id.length > 18 ? `${id.slice(0, 8)}…${id.slice(-6)}` : id
  return (
    <span class="short-id">
      <code title={id}>{text}</code>
      <CopyButton text={id} what={props.what} />
    </span>
  )
}
