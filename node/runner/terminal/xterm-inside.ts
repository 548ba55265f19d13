// The fields of xterm that its public interface leaves out, as far as a copy of its state needs them, and a pen as text.
import type headless from '@xterm/headless'

/** How a cell is drawn, or what is written next. */
export type Attributes = {
  isBold(): number
  isDim(): number
  isItalic(): number
  isUnderline(): number
  /** 1 single, 2 double, 3 curly, 4 dotted, 5 dashed. */
  getUnderlineStyle(): number
  isUnderlineColorDefault(): boolean
  isUnderlineColorRGB(): boolean
  getUnderlineColor(): number
  isBlink(): number
  isInverse(): number
  isInvisible(): number
  isStrikethrough(): number
  isOverline(): number
  isFgDefault(): boolean
  isFgRGB(): boolean
  getFgColor(): number
  isBgDefault(): boolean
  isBgRGB(): boolean
  getBgColor(): number
}
type Charset = Record<string, string> | undefined

export type InnerBuffer = {
  ybase: number
  scrollTop: number
  scrollBottom: number
  tabs: Record<number, boolean | undefined>
  savedX: number
  savedY: number
  savedCurAttrData: Attributes
  savedCharset: Charset
}

export type Inner = {
  /** Draws before it returns. What throws leaves the emulator unusable. */
  writeSync(bytes: Uint8Array): void
  buffers: { normal: InnerBuffer; alt: InnerBuffer; active: InnerBuffer }
  coreService: {
    isCursorHidden: boolean
    modes: { insertMode: boolean }
    decPrivateModes: Record<
      'applicationCursorKeys' | 'applicationKeypad' | 'bracketedPasteMode' | 'origin' | 'reverseWraparound' | 'sendFocus' | 'wraparound',
      boolean
    > & { cursorBlink: boolean | undefined; cursorStyle: string | undefined }
  }
  coreMouseService: { activeProtocol: string; activeEncoding: string }
  optionsService: { rawOptions: { convertEol: boolean } }
  _charsetService: { glevel: number; charset: Charset; _charsets: Charset[] }
  _inputHandler: {
    _curAttrData: Attributes & { extended: { underlineColor: number } }
    eraseInDisplay(params: { length: number; params: number[] }): boolean
  }
}

export function innerOf(terminal: headless.Terminal): Inner {
  return (terminal as unknown as { _core: Inner })._core
}

/** The parameters of SGR after the 0 that resets it, each with its semicolon before it; empty for the default. */
export function penOf(attributes: Attributes): string {
  const out: (string | number)[] = []
  if (attributes.isBold()) out.push(1)
  if (attributes.isDim()) out.push(2)
  if (attributes.isItalic()) out.push(3)
  if (attributes.isUnderline()) {
    const style = attributes.getUnderlineStyle()
    out.push(style > 1 ? `4:${style}` : 4)
    if (!attributes.isUnderlineColorDefault())
      out.push(
        attributes.isUnderlineColorRGB()
          ? `58:2::${rgb(attributes.getUnderlineColor()).join(':')}`
          : `58:5:${attributes.getUnderlineColor()}`,
      )
  }
  if (attributes.isBlink()) out.push(5)
  if (attributes.isInverse()) out.push(7)
  if (attributes.isInvisible()) out.push(8)
  if (attributes.isStrikethrough()) out.push(9)
  if (attributes.isOverline()) out.push(53)
  if (!attributes.isFgDefault())
    out.push(...(attributes.isFgRGB() ? [38, 2, ...rgb(attributes.getFgColor())] : palette(attributes.getFgColor(), 30)))
  if (!attributes.isBgDefault())
    out.push(...(attributes.isBgRGB() ? [48, 2, ...rgb(attributes.getBgColor())] : palette(attributes.getBgColor(), 40)))
  return out.map((one) => `;${one}`).join('')
}

/** The pen has a colour for underlines also while it draws none. `raw` is how xterm keeps it: two bits of kind, then the colour. */
export function underlineColorOf(raw: number): string {
  const [kind, color] = [(raw >>> 24) & 3, raw & 0xffffff]
  if (raw < 0 || kind === 0) return ''
  return kind === 3 ? `;58:2::${rgb(color).join(':')}` : `;58:5:${color & 255}`
}

function rgb(color: number): number[] {
  return [(color >>> 16) & 255, (color >>> 8) & 255, color & 255]
}

/** @param base 30 for text, 40 for its ground */
function palette(color: number, base: number): number[] {
  if (color >= 16) return [base + 8, 5, color]
  return [color < 8 ? base + color : base + 60 + color - 8]
}
