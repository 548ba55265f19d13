// What a visitor sees: how to sign in, or that the node is not there.
import type { ComponentChildren } from 'preact'
import type { ApiError } from '../../transport/api-error.ts'
import { CommandLine } from '../../parts/copy.tsx'
import { CloudMark } from '../../parts/icons.tsx'

export function SignIn() {
  return (
    <Gate title="Sign in from your terminal">
      <p>On the machine where this node runs:</p>
      <CommandLine command="nimbus open" />
      <p class="muted">
        It opens this page signed in, with a link that works once and for a minute. No password exists, and none can leak. This page follows
        by itself.
      </p>
    </Gate>
  )
}

export function Unreachable(props: { error: ApiError }) {
  return (
    <Gate title="The node does not answer">
      <p role="alert">{props.error.message}</p>
      <p>Start it again, or see how it is:</p>
      <CommandLine command="nimbus status" />
      <p class="muted">Tried again every three seconds.</p>
    </Gate>
  )
}

function Gate(props: { title: string; children: ComponentChildren }) {
  return (
    <main class="gate">
      <div class="gate-card">
        <CloudMark size={44} />
        <h1>{props.title}</h1>
        {props.children}
      </div>
    </main>
  )
}
