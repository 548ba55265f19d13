// What sessions cost: now, today, this month and likely; by day, worker, repository and model, with a file of each; and the budgets.
import { useEffect } from 'preact/hooks'
import type { BudgetView, CostGroup, CostsView } from '../../../../protocols/agents/cost-views.ts'
import { costText, tokensText } from '../../models/agents/session-facts.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { PageHead } from '../../parts/facts.tsx'
import { Bar } from '../../parts/meters.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { costsAddress } from '../../transport/cost-calls.ts'

const TITLES: Partial<Record<CostGroup, string>> = { day: 'By day', worker: 'By worker', repo: 'By repository', model: 'By model' }
/** The rest is in the file. */
const ROWS_MAX = 14
const LEVELS = { ok: 'alive', warning: 'suspect', exhausted: 'failed' } as const

export function CostsPage() {
  const { costs, budgets } = usePage().dashboard
  useEffect(() => {
    void costs.load()
    void budgets.load()
  }, [])
  const views = costs.items.value
  const error = costs.error.value ?? budgets.error.value
  const [first] = views ?? []
  if (first === undefined && error === undefined) return <div class="loading" role="status" aria-label="Loading" />
  return (
    <>
      <PageHead title="Costs" lead={first && `${costText(first.today)} today, in days of UTC`} />
      {error !== undefined && <ProblemNote error={error} what="The costs could not be loaded." />}
      {first !== undefined && <Sums of={first} />}
      <Budgets items={budgets.items.value ?? []} />
      {first?.items.length === 0 ? (
        <EmptyState
          title="No session has cost anything yet. Each worker writes down what its sessions cost:"
          command="nimbus session start 'say hello'"
        />
      ) : (
        views?.map((view) => <Group key={view.by} view={view} />)
      )}
    </>
  )
}

function Sums(props: { of: CostsView }) {
  const { now, today, month, forecast } = props.of
  const sums = [
    [costText(now.costUsd), `${now.sessions} ${now.sessions === 1 ? 'session' : 'sessions'} at work`],
    [costText(today), 'today'],
    [costText(month), 'this month'],
    [costText(forecast), 'this month, as it looks'],
  ] as const
  return (
    <ul class="counts sums" aria-label="Costs">
      {sums.map(([amount, name]) => (
        <li key={name}>
          <div class="sum">
            <span class="count number">{amount}</span>
            <span>{name}</span>
          </div>
        </li>
      ))}
    </ul>
  )
}

function Budgets(props: { items: readonly BudgetView[] }) {
  return (
    <section>
      <h2>Budgets</h2>
      {props.items.length === 0 ? (
        <EmptyState
          title="No budget is set. At 100 % of one, sessions begin no new turn; the turn that runs may finish:"
          command="nimbus budget set team --usd 20 --per day"
        />
      ) : (
        <table class="table">
          <thead>
            <tr>
              <th>Level</th>
              <th>Budget</th>
              <th>For</th>
              <th>Used</th>
              <th class="right">Spent</th>
              <th class="right">Reserved</th>
              <th class="right">Of</th>
            </tr>
          </thead>
          <tbody>
            {props.items.map((item) => (
              <BudgetRow key={item.name} item={item} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

function BudgetRow({ item }: { item: BudgetView }) {
  const whose = [item.workerName, item.repo, item.label].filter((one) => one !== undefined).join(' ')
  const share = item.spentUsd / item.usd
  return (
    <tr>
      <td class="cell-state">
        <StateMark state={LEVELS[item.level]} label={item.level} />
      </td>
      <td class="main">
        {inertText(item.name)}
        <span class="row-text">{item.per === 'total' ? 'in all' : `a ${item.per}, now ${item.period}`}</span>
      </td>
      <td data-name="For" class="break">
        {whose === '' ? 'all sessions' : inertText(whose)}
      </td>
      <td data-name="Used">
        <Bar share={share} tone={item.level === 'ok' ? 'calm' : 'busy'} /> <span class="number">{Math.round(share * 100)}%</span>
      </td>
      <td data-name="Spent" class="right number">
        {costText(item.spentUsd)}
      </td>
      <td data-name="Reserved" class="right number">
        {costText(item.reservedUsd)}
      </td>
      <td data-name="Of" class="right number">
        {costText(item.usd)}
      </td>
    </tr>
  )
}

function Group({ view }: { view: CostsView }) {
  const { by, items, total } = view
  const title = TITLES[by] ?? by
  return (
    <section>
      <div class="section-head">
        <h2>{title}</h2>
        <span class="actions">
          <a href={costsAddress(by, 'csv')} download={`costs-by-${by}.csv`} aria-label={`${title} as CSV`}>
            CSV
          </a>
          <a href={costsAddress(by, 'json')} download={`costs-by-${by}.json`} aria-label={`${title} as JSON`}>
            JSON
          </a>
        </span>
      </div>
      <table class="table">
        <thead>
          <tr>
            <th>{title.slice(3)}</th>
            <th>Share</th>
            <th class="right">Tokens</th>
            <th class="right">Cost</th>
          </tr>
        </thead>
        <tbody>
          {items.slice(0, ROWS_MAX).map(({ key, name, tokens, costUsd }) => (
            <tr key={key}>
              <td class="main break">{inertText(name ?? key) || '(no repository)'}</td>
              <td data-name="Share">
                <Bar share={total.costUsd === 0 ? 0 : costUsd / total.costUsd} />
              </td>
              <td data-name="Tokens" class="right number">
                {tokensText({ tokens })}
              </td>
              <td data-name="Cost" class="right number">
                {costText(costUsd)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {items.length > ROWS_MAX && <p class="hint">{items.length - ROWS_MAX} more are in the file.</p>}
    </section>
  )
}
