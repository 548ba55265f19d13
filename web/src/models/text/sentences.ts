// The node's own words as sentences: a capital, a full stop, and moments by the clock of the person who reads.
import { fullTimeText } from './durations.ts'
import { inertText } from './inert-text.ts'

const MOMENT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g

export function sentence(raw: string): string {
  const text = inertText(raw).replace(MOMENT, (moment) => fullTimeText(Date.parse(moment)))
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) || text === '' ? '' : '.'}`
}
