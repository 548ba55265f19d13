// Terminals in rows: what runs where, and a way to open one.
import { useEffect, useState } from 'preact/hooks'
import type { TerminalView } from '../../../../protocols/terminals/views.ts'
import { joinCommand } from '../../models/text/command-words.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { PageHead } from '../../parts/facts.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { Age } from '../../parts/times.tsx'
import { OpenDialog } from './open-dialog.tsx'

export function TerminalsPage() {
  const { terminals } = usePage().dashboard
  const [opening, setOpening] = useState(false)
  useEffect(() => void terminals.load(), [])
  const items = terminals.items.value
  const error = terminals.error.value
  if (items === undefined && error === undefined) return <div class="loading" role="status" aria-label="Loading" />
  return (
    <>
      <PageHead title="Terminals" lead={items && `${items.length} open`}>
        <button type="button" class="primary" onClick={() => setOpening(true)}>
          Open a terminal
        </button>
      </PageHead>
      {error !== undefined && <ProblemNote error={error} what="The terminals could not be loaded." />}
      {items?.length === 0 && (
        <EmptyState
          title="No terminal is open. One goes on when nobody is attached, and any node shows it as it stands:"
          command="nimbus terminal open --worker NAME -- bash"
        />
      )}
      {items !== undefined && items.length > 0 && (
        <table class="table">
          <thead>
            <tr>
              <th>State</th>
              <th>Terminal</th>
              <th>Worker</th>
              <th class="right">Opened</th>
            </tr>
          </thead>
          <tbody>
            {items.map((terminal) => (
              <Row key={terminal.id} terminal={terminal} />
            ))}
          </tbody>
        </table>
      )}
      {opening && <OpenDialog onClose={() => setOpening(false)} />}
    </>
  )
}

function Row(props: { terminal: TerminalView }) {
  const { terminal } = props
  const command = inertText(joinCommand(terminal.argv))
  return (
    <tr>
      <td class="cell-state">
        <StateMark state={terminal.state} />
      </td>
      <td class="main">
        <a href={`/terminals/${terminal.id}`}>{inertText(terminal.name ?? '') || command}</a>
        {terminal.name !== undefined && <span class="row-text">{command}</span>}
      </td>
      <td data-name="Worker">
        <a href={`/workers/${terminal.worker}`}>{terminal.workerName}</a>
      </td>
      <td data-name="Opened" class="right number">
        <Age time={terminal.createdAt} />
      </td>
    </tr>
  )
}
