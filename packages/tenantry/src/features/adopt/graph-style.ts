// How the page of a plan looks, in light and in dark.
export const style = `
:root { color-scheme: light dark; --ink: light-dark(#1b1f24, #e6e8ea); --paper: light-dark(#ffffff, #14171a);
  --line: light-dark(#d0d5da, #3a4046); --tenant: light-dark(#d7ebff, #123a5e); --global: light-dark(#e6f4e2, #1d4026);
  --undecided: light-dark(#ffe7c7, #5a3c10); --bad: light-dark(#b3261e, #ff8a80); --good: light-dark(#1f6feb, #79b8ff) }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem; max-width: 100rem }
.drawing { overflow: auto; border: 1px solid var(--line); border-radius: 8px; max-height: 80vh }
svg text { font: 13px system-ui, sans-serif; fill: var(--ink); text-anchor: middle }
svg text.small { font-size: 11px; opacity: .75 }
.box rect { stroke: var(--line); fill: var(--paper) }
.box.tenant rect { fill: var(--tenant) } .box.global rect { fill: var(--global) }
.box.undecided rect { fill: var(--undecided); stroke-dasharray: 5 3; stroke: var(--bad) }
.key { fill: none; stroke: var(--ink); opacity: .6 } .key.composite { stroke: var(--good); opacity: 1 }
.key.dropped { stroke: var(--bad); stroke-dasharray: 5 4; opacity: 1 }
marker path { fill: var(--ink) }
table { border-collapse: collapse; width: 100% } th, td { border-bottom: 1px solid var(--line); padding: .4rem .6rem; text-align: left; vertical-align: top }
td ul, .question ul { margin: .2rem 0; padding-left: 1.1rem } .count { text-align: right; font-variant-numeric: tabular-nums }
span.tenant, span.global, span.undecided { padding: .05rem .5rem; border-radius: 1rem; color: var(--ink) }
span.tenant { background: var(--tenant) } span.global { background: var(--global) } span.undecided { background: var(--undecided) }
b.composite { color: var(--good) } b.dropped { color: var(--bad) }
.question { border-left: 4px solid var(--bad); padding-left: .8rem } tr:target { outline: 2px solid var(--good) }
pre { overflow: auto; background: light-dark(#f6f8fa, #1d2125); padding: .8rem; border-radius: 6px } a { color: inherit }
`
