"""How the page looks: one sheet for light and dark."""

STYLE = """
:root { color-scheme: light dark; --paper: #f7f6f3; --card: #ffffff; --ink: #1c1d22; --faint: #6d7078; --rule: #e3e1dc;
  --good: #1a7f4b; --bad: #c2362f; --note: #94690a; --wave: #9db4d8; --beat: #b9bcc6; --cut: #2f5fb3; --flash: #d98a1f;
  --red: #d3413a; --black: #45474f; }
@media (prefers-color-scheme: dark) { :root { --paper: #121318; --card: #1b1d24; --ink: #eceef3; --faint: #969ba8;
  --rule: #2c2f39; --good: #5bcf8f; --bad: #ff7a70; --note: #e5b84e; --wave: #3f5d8c; --beat: #4d5261; --cut: #7ea9ff;
  --flash: #f0b057; --red: #ff7a70; --black: #b5b9c4; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px; }
.film { margin: 0 0 4px; color: var(--faint); font-size: 15px; overflow-wrap: anywhere; }
h1 { margin: 0 0 20px; font-size: 28px; line-height: 1.2; font-weight: 650;
  display: flex; gap: 12px; align-items: center; }
h1 span { width: 38px; height: 38px; border-radius: 50%; color: var(--card); font-size: 21px; flex: none;
  display: inline-flex; align-items: center; justify-content: center; }
h1.good span { background: var(--good); } h1.bad span { background: var(--bad); }
h2 { font-size: 17px; margin: 36px 0 12px; font-weight: 620; }
ul { list-style: none; margin: 0 0 12px; padding: 0; }
li { background: var(--card); border: 1px solid var(--rule); border-left-width: 4px; border-radius: 8px;
  padding: 9px 14px; margin-bottom: 7px; }
.problems li { border-left-color: var(--bad); } .notes li { border-left-color: var(--note); }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(225px, 1fr)); gap: 12px; margin-top: 22px; }
.figures div { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 16px; }
dt { color: var(--faint); font-size: 13px; } dd { margin: 0; font-size: 21px; font-weight: 620; }
.figures p { margin: 2px 0 0; color: var(--faint); font-size: 13px; line-height: 1.4; }
.figures .bad dd { color: var(--bad); }
svg { width: 100%; height: auto; display: block; background: var(--card); border: 1px solid var(--rule);
  border-radius: 10px; }
svg text { font-size: 12px; fill: var(--faint); } svg .name { font-size: 12.5px; fill: var(--ink); }
.wave { fill: var(--wave); } .beat { stroke: var(--beat); stroke-width: 1; }
.rule { stroke: var(--rule); stroke-width: 1; } .limit { stroke: var(--bad); stroke-dasharray: 5 4; }
.cut { stroke: var(--cut); stroke-width: 1.6; } .cut.bad { stroke: var(--bad); stroke-width: 2.4; }
.soft { fill: var(--cut); opacity: .22; }
.dot { fill: var(--cut); } .dot.bad { fill: var(--bad); } .band { fill: var(--good); opacity: .10; }
.meter { fill: none; stroke: var(--flash); stroke-width: 1.7; } .meter.red { stroke: var(--red); }
.spell { fill: var(--bad); opacity: .18; } .dark { fill: var(--black); opacity: .5; }
.scroll { overflow-x: auto; border: 1px solid var(--rule); border-radius: 10px; background: var(--card); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { text-align: left; padding: 6px 16px; white-space: nowrap; border-bottom: 1px solid var(--rule); }
th { color: var(--faint); font-weight: 500; } tr:last-child td { border-bottom: 0; } tr.bad td { color: var(--bad); }
@media print { body { background: white; } main { padding: 0; } }
"""
