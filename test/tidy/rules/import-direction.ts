// Imports go down the rank table and nowhere else; type-only imports count, because a type is knowledge too.
import type { SourceFile } from '../source-tree.ts'

/** The table of the house: a room imports from rooms of a lower rank. */
const RANKS: Record<string, number> = {
  protocols: 0,
  'node/kernel': 1,
  'node/store': 2,
  'node/mesh': 2,
  'node/runner': 2,
  'node/trust': 3,
  'node/replication': 3,
  'node/repos': 3,
  'node/tasks': 4,
  'node/builds': 4,
  'node/messages': 5,
  'node/githost': 5,
  'node/schedules': 5,
  'node/agents': 5,
  'node/services': 5,
  'node/terminals': 5,
  'node/knowledge': 5,
  'node/orchestration': 5,
  'node/upgrade': 5,
  'node/plugins': 6,
  'node/api': 7,
  'node/cli': 7,
  // Glue between rooms, one file a joint; only the composition root uses it.
  'node/wiring': 8,
  // The composition root and its settings: node/main.ts, node/node.ts, node/config.ts.
  node: 9,
}

/** The layers of the dashboard; files directly in web/src put them together. */
const WEB_LAYERS: Record<string, number> = { transport: 0, models: 1, parts: 2, views: 3, src: 4 }

export function importDirection(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    file.imports.flatMap(({ target, line }) => {
      const reason = target === undefined ? undefined : refusal(file.path, target)
      return reason === undefined ? [] : [`${file.path}:${line} imports ${target}: ${reason}`]
    }),
  )
}

function refusal(from: string, to: string): string | undefined {
  if (from.startsWith('test/')) return undefined
  if (from.startsWith('web/')) return webRefusal(from, to)
  const [room, other] = [roomOf(from), roomOf(to)]
  if (room === undefined || room === other) return undefined
  if (other === undefined) return 'the product imports only protocols/ and node/'
  const [rank, otherRank] = [RANKS[room], RANKS[other]]
  if (rank === undefined) return `${room} has no rank; give it one in the table of import-direction.ts and in style`
  if (otherRank === undefined) return `${other} has no rank; give it one in the table of import-direction.ts`
  if (otherRank < rank) return undefined
  const relation = otherRank === rank ? 'a sibling' : 'a higher room'
  return `${other} (rank ${otherRank}) is ${relation} of ${room} (rank ${rank}); declare a port and let node/node.ts hand the object in`
}

function roomOf(path: string): string | undefined {
  const [top, second, third] = path.split('/')
  if (top === 'protocols') return top
  if (top !== 'node') return undefined
  return third === undefined ? 'node' : `node/${second}`
}

function webRefusal(from: string, to: string): string | undefined {
  if (to.startsWith('protocols/') || !/\.tsx?$/.test(to)) return undefined
  if (!to.startsWith('web/')) return 'the dashboard imports protocols/ only'
  const [layer, other] = [layerOf(from), layerOf(to)]
  if (layer === other) return undefined
  if ((WEB_LAYERS[layer] ?? -1) > (WEB_LAYERS[other] ?? Infinity)) return undefined
  return `${layer} may not know ${other}; layers import leftwards: ${Object.keys(WEB_LAYERS).slice(0, -1).join(' <- ')}`
}

function layerOf(path: string): string {
  return path.split('/').slice(2, -1)[0] ?? 'src'
}
