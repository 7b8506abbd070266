// How many cameras stand side by side: as many as make the pictures largest, all in sight where they
// can be.

const GAP = 10;
const CAPTION = 68;
const NARROWEST = 270; // below that a line of figures is no line any more

// The shape that most have: the grid's cells are made for it. One that is alone has its own, as far
// as there is room for the line under it.
function commonShape(views, high) {
  const shapes = views.filter((view) => view.width > 0).map((view) => view.width / view.height);
  if (shapes.length === 0) return 16 / 9;
  if (views.length === 1) return Math.max(shapes[0], NARROWEST / high);
  const middle = shapes.sort((one, other) => one - other)[shapes.length >> 1];
  return Math.min(2, Math.max(1.2, middle));
}

function best(count, shape, width, height) {
  let found = { columns: 1, picture: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const wide = (width - GAP * (columns - 1)) / columns;
    const high = (height - GAP * (rows - 1)) / rows - CAPTION;
    const picture = Math.min(wide, high * shape);
    if (picture > found.picture) found = { columns, picture, wide: Math.min(wide, picture) };
  }
  return found;
}

export function arrange(list, views, one) {
  if (one || views.length === 0) {
    list.style.removeProperty("--wide");
    list.classList.remove("column");
    return;
  }
  const style = getComputedStyle(list);
  const width = list.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const height = list.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  const shape = commonShape(views, Math.max(1, height - CAPTION));
  let { columns, picture } = best(views.length, shape, width, height);
  const scrolled = views.length > 1 && picture < Math.min(NARROWEST, width);
  if (scrolled) {
    // They don't all fit: as many as can be read, and the rest by scrolling.
    columns = Math.max(1, Math.floor((width + GAP) / (NARROWEST + GAP)));
    picture = (width - GAP * (columns - 1)) / columns;
  }
  list.classList.toggle("column", scrolled && columns === 1);
  list.style.setProperty("--wide", `${Math.floor(picture)}px`);
  list.style.setProperty("--shape", shape.toFixed(4));
}
