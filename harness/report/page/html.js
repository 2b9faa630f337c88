/* Elements as HTML in template strings: whatever a record says is a text node, never markup. */

import { h } from "preact";
import htm from "htm";

export const html = htm.bind(h);
