// Keeps what a run of growth has seen: the table as JSON and a plot as SVG, both in test/bench/results/ and small enough to be
// committed. Sizes of the mesh stand on a logarithmic axis.
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export type Point = { nodes: number } & Record<string, number>
export type Plot = { title: string; columns: readonly string[] }

const DIR = fileURLToPath(new URL('../results/', import.meta.url))
const WIDTH = 420
const HEIGHT = 240
const MARGIN = 44
const COLOURS = ['#2563eb', '#dc2626', '#059669', '#9333ea']

export async function keepResults(name: string, points: readonly Point[], plots: readonly Plot[]): Promise<void> {
  await mkdir(DIR, { recursive: true })
  const rounded = points.map((point) =>
    Object.fromEntries(Object.entries(point).map(([key, value]) => [key, Number(value.toPrecision(4))])),
  )
  await writeFile(`${DIR}${name}.json`, `${JSON.stringify(rounded, null, 2)}\n`)
  await writeFile(`${DIR}${name}.svg`, drawing(points, plots))
  console.log(`  kept in test/bench/results/${name}.json and ${name}.svg`)
}

function drawing(points: readonly Point[], plots: readonly Plot[]): string {
  const panels = plots.map((plot, index) => `<g transform="translate(${index * WIDTH} 0)">${panel(points, plot)}</g>`)
  const size = `width="${WIDTH * plots.length}" height="${HEIGHT}" viewBox="0 0 ${WIDTH * plots.length} ${HEIGHT}"`
  const style =
    '<style>text{font:11px sans-serif;fill:#333}.axis{stroke:#999}.grid{stroke:#ddd}</style><rect width="100%" height="100%" fill="#fff"/>'
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>\n${style}\n${panels.join('\n')}\n</svg>\n`
}

function panel(points: readonly Point[], { title, columns }: Plot): string {
  const sizes = points.map(({ nodes }) => Math.log10(nodes))
  const [first, last] = [Math.min(...sizes), Math.max(...sizes)]
  const top = niceTop(Math.max(...points.flatMap((point) => columns.map((column) => point[column] ?? 0))))
  const x = (nodes: number): number => MARGIN + ((Math.log10(nodes) - first) / (last - first || 1)) * (WIDTH - 2 * MARGIN)
  const y = (value: number): number => HEIGHT - MARGIN - (value / top) * (HEIGHT - 2 * MARGIN)
  const at = (value: number): string => value.toFixed(1)
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const height = at(y(share * top))
    const line = `<line class="grid" x1="${MARGIN}" x2="${WIDTH - MARGIN}" y1="${height}" y2="${height}"/>`
    return `${line}<text x="${MARGIN - 6}" y="${height}" text-anchor="end" dy="4">${Number((share * top).toPrecision(3))}</text>`
  })
  const names = points.map(({ nodes }) => `<text x="${at(x(nodes))}" y="${HEIGHT - MARGIN + 16}" text-anchor="middle">${nodes}</text>`)
  const lines = columns.map((column, index) => {
    const colour = COLOURS[index % COLOURS.length]
    const path = points.map((point) => `${at(x(point.nodes))},${at(y(point[column] ?? 0))}`)
    const dots = path.map((place) => `<circle cx="${place.split(',')[0]}" cy="${place.split(',')[1]}" r="3" fill="${colour}"/>`)
    const key = `<text x="${MARGIN + 8}" y="${MARGIN + 12 + index * 14}" style="fill:${colour}">${column}</text>`
    return `<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}${key}`
  })
  const axis = `<line class="axis" x1="${MARGIN}" x2="${WIDTH - MARGIN}" y1="${HEIGHT - MARGIN}" y2="${HEIGHT - MARGIN}"/>`
  const words = `<text x="${MARGIN}" y="20" font-weight="bold">${title}</text><text x="${WIDTH / 2}" y="${HEIGHT - 8}" text-anchor="middle">nodes</text>`
  return [words, ...ticks, axis, ...names, ...lines].join('\n')
}

/** The next of 1, 2, 5, 10 and their tens above a value. */
function niceTop(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value || 1))
  return [1, 2, 5, 10].map((step) => step * unit).find((step) => step >= value) ?? 10 * unit
}
