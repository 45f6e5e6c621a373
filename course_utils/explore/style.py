"""The card of a widget in CSS: ink on white in every theme, and nothing outside the card."""

from ..draw.fonts import FAMILY
from ..draw.palette import IDLE, INK, MUTE, PAPER, RULE

CLASS = "course-explorer"
READOUT = 48  # px for the value beside a slider, 12 px bold: five digits and their comma

# ~ stands for the card: no rule reaches anything outside of it.  cqw is 1 % of the card's width,
# so that padding and title shrink as the picture does.
_RULES = f"""
~ {{ --jp-widgets-margin: 0px; --jp-widgets-font-size: 12px; --jp-widgets-color: {INK};
  --jp-widgets-slider-active-handle-color: {INK};
  --jp-widgets-label-color: {INK}; --jp-widgets-readout-color: {INK};
  background: {PAPER}; color: {INK}; color-scheme: light; font-family: {FAMILY};
  width: 100%; max-width: 720px; box-sizing: border-box; margin: 0; padding: 24px 0 8px;
  overflow: hidden; container-type: inline-size; }}
~ .widget-html {{ margin: 0; width: 100%; box-sizing: border-box; min-height: 0; height: auto;
  flex: none; overflow: hidden; color: {INK}; }}
~ .widget-html-content {{ flex: 1 1 auto; min-width: 0; font-family: {FAMILY}; color: {INK}; }}
~ .~title, ~ .~move, ~ .~controls, ~ .~readout, ~ .~bet {{ padding: 0 min(24px, 3.333cqw); }}
~ .~title {{ height: 24px; }}
~ .~title .widget-html-content {{ font-size: min(15px, 2.25cqw); font-weight: 700;
  line-height: 24px; white-space: nowrap; }}
~ .~move {{ height: 20px; }}
~ .~move .widget-html-content {{ font-size: 12px; line-height: 20px; color: {MUTE}; }}
~ .~controls {{ min-height: 32px; margin: 8px 0 4px; flex-flow: row wrap; align-items: center;
  gap: 0 24px; width: 100%; box-sizing: border-box; overflow: visible; }}
~ .~controls > * {{ height: 32px; }}
~ .~picture .widget-html-content {{ line-height: 0; }}
~ .~readout {{ height: 40px; }}
~ .~readout .widget-html-content {{ font-size: 13px; line-height: 20px; }}
~ .~bet {{ height: 24px; }}
~ .~bet .widget-html-content {{ font-size: 12px; line-height: 24px; }}
~ .widget-label {{ color: {INK}; font-size: 12px; width: auto; flex: none; margin: 0;
  font-family: {FAMILY}; }}
~ .widget-slider {{ flex: 1 1 240px; width: auto; min-width: 0; max-width: 344px; margin: 0; }}
~ .widget-readout {{ color: {INK}; font-size: 12px; font-weight: 700; text-align: left;
  width: {READOUT}px; min-width: {READOUT}px; flex: none; margin: 0; font-family: {FAMILY}; }}
~ .slider-container {{ margin: 0 24px; }}
~ .slider-container .noUi-target {{ background: none; border: 0; box-shadow: none; height: 4px; }}
~ .slider-container .noUi-connects {{ background: none; border: 0; }}
~ .slider-container .noUi-base {{ clip-path: inset(-12px); }}
~ .slider-container .noUi-base::before {{ content: ""; position: absolute; height: 4px;
  left: -12px; right: -12px; background: {RULE}; }}
~ .slider-container .noUi-handle {{ background: {PAPER}; border: 2px solid {INK};
  border-radius: 50%; box-shadow: none; outline: 0; transform: none; }}
~ .slider-container .noUi-handle::before {{ content: ""; position: absolute; z-index: -1;
  display: block; width: 400px; height: 4px; left: auto; right: 12px; top: 4px;
  background: {INK}; }}
~ .slider-container .noUi-handle:focus {{ background: {INK};
  box-shadow: 0 0 0 2px {PAPER}, 0 0 0 4px {INK}; }}
~ .widget-toggle-buttons, ~ .widget-toggle-buttons > div {{ display: flex; align-items: center;
  flex: none; width: auto; margin: 0; }}
~ .widget-toggle-buttons {{ overflow: visible; gap: 12px; }}
~ .widget-toggle-button {{ background: {PAPER}; color: {INK}; border: 1px solid {IDLE};
  box-shadow: none; font-size: 12px; height: 24px; line-height: 22px; width: auto; margin: 0;
  padding: 0 12px; font-family: {FAMILY}; }}
~ .widget-toggle-button + .widget-toggle-button {{ margin-left: -1px; }}
~ .widget-toggle-button.mod-active {{ background: {INK}; border-color: {INK}; color: {PAPER}; }}
~ .widget-toggle-button:focus-visible {{ outline: 2px solid {INK}; outline-offset: 2px; }}
@container (max-width: 680px) {{ ~ .~readout {{ height: 60px; }} }}
@container (max-width: 560px) {{
  ~ .~title {{ height: 48px; }}
  ~ .~title .widget-html-content {{ font-size: 13px; white-space: normal; }}
  ~ .~move {{ height: 40px; }}
  ~ .~controls > *, ~ .widget-toggle-buttons > div {{ height: auto; min-height: 32px;
    flex-shrink: 1; flex-wrap: wrap; }}
  ~ .~readout {{ height: 120px; }}
}}
"""
STYLE = f"<style>{_RULES.replace('~ .~', f'.{CLASS} .{CLASS}-').replace('~', f'.{CLASS}')}</style>"
