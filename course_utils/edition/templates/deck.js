// Formulas first, then the slides.  MathJax is loaded last and reads this.
window.MathJax = {
  options: { enableMenu: false },
  svg: { scale: 0.85 }, // as large as the letters around it
};
Reveal.initialize({
  width: 1280,
  height: 720,
  margin: 0,
  center: false,
  hash: true,
  navigationMode: "linear", // the arrow to the right goes on, down a column as well
  controlsTutorial: false,
  slideNumber: "c/t",
  defaultTiming: 0, // every slide has its own data-timing; without this no pace is shown
  transition: "none",
  backgroundTransition: "none",
  plugins: [RevealNotes],
});
// A slide of a changed lesson that is higher than the screen is shown smaller.
const fit = ({ currentSlide }) => {
  const body = currentSlide.querySelector(".body");
  if (body) body.style.zoom = Math.min(1, 600 / body.scrollHeight);
};
Reveal.on("ready", fit);
Reveal.on("slidechanged", fit);
// A slide that is opened from the overview begins with nothing shown that a key press is to show.
Reveal.on("overviewhidden", () => Reveal.navigateFragment(-1));
