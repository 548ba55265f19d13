// xterm 6 styles itself with <style> elements and style attributes, which the strict content security policy refuses. While the page is
// built they become constructed sheets and properties, which it allows. The build fails where xterm has changed and this does not fit.
import type { Plugin } from 'vite'

const ATTRIBUTE = /(\w+)\.setAttribute\("style",/g
const ELEMENT = /[\w.]+\.createElement\("style"\)/g
const EXPECTED = { attributes: 1, elements: 3 }

/** Takes the place of a <style> element: its text goes into a sheet that goes when it is removed. */
const STAND_IN = `const nimbusSheet = () => {
  const sheet = new CSSStyleSheet()
  const element = document.createElement('template')
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
  Object.defineProperty(element, 'textContent', { set: (text) => sheet.replaceSync(text) })
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet)
    Element.prototype.remove.call(element)
  }
  return element
};
const nimbusStyle = (element, text) => { element.style.cssText = text };
`

export function xtermWithoutInlineStyles(): Plugin {
  return {
    name: 'xterm-without-inline-styles',
    transform(code, id) {
      if (!id.endsWith('@xterm/xterm/lib/xterm.mjs')) return undefined
      const found = { attributes: code.match(ATTRIBUTE)?.length ?? 0, elements: code.match(ELEMENT)?.length ?? 0 }
      if (found.attributes !== EXPECTED.attributes || found.elements !== EXPECTED.elements)
        throw new Error(`xterm writes its styles in another way now: ${JSON.stringify(found)}; look at them, and at web/xterm-styles.ts`)
      return { code: STAND_IN + code.replace(ATTRIBUTE, 'nimbusStyle($1,').replace(ELEMENT, 'nimbusSheet()'), map: null }
    },
  }
}
