/* How the page looks now: light or dark, wide or narrow, on a screen or on paper. */

const darkness = window.matchMedia("(prefers-color-scheme: dark)");
const narrowness = window.matchMedia("(max-width: 44rem)");

export const look = { paper: false, get dark() { return darkness.matches && !this.paper; },
  get narrow() { return narrowness.matches && !this.paper; } };

/** Calls draw whenever the look changes; for paper at once, since printing waits for nobody. */
export function onLook(draw) {
  darkness.addEventListener("change", draw);
  narrowness.addEventListener("change", draw);
  const turn = (paper) => () => {
    look.paper = paper;
    document.documentElement.classList.toggle("paper", paper);
    draw();
  };
  window.addEventListener("beforeprint", turn(true));
  window.addEventListener("afterprint", turn(false));
}
