// The three planes through a volume [slice, row, column]: slices from the feet, rows from the front, columns from
// the patient's right.

// axis: what is scrolled through. across, down: what a picture's pixels run along, from its left and from its top;
// heights run downwards, so that the head is at the top. onward: the step of a wheel turned towards the reader.
export const PLANES = {
  axial: { axis: "slice", across: "column", down: "row", onward: -1, marks: { left: "R", right: "L", top: "A", bottom: "P" }, from: "the feet" },
  coronal: { axis: "row", across: "column", down: "slice", onward: 1, marks: { left: "R", right: "L", top: "H", bottom: "F" }, from: "the front" },
  sagittal: { axis: "column", across: "row", down: "slice", onward: 1, marks: { left: "A", right: "P", top: "H", bottom: "F" }, from: "the right" },
};

// Sizes and spacings of a scan by axis, of scan.json's lists.
export function byAxis([slice, row, column]) {
  return { slice, row, column };
}

// Where along `down` a picture's row y lies.
function downAt(plane, y, size) {
  return plane.down === "slice" ? size.slice - 1 - y : y;
}

// The voxel {slice, row, column} at a picture's pixel (x, y); null outside.
export function voxelAt(plane, index, x, y, size) {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= size[plane.across] || row >= size[plane.down]) return null;
  return { [plane.axis]: index, [plane.across]: column, [plane.down]: downAt(plane, row, size) };
}

// The picture's pixel (x, y) of a voxel.
export function pixelOf(plane, voxel, size) {
  return [voxel[plane.across], downAt(plane, voxel[plane.down], size)];
}

// The pixels of a plane from the slices of a layer, which are null where they are not loaded: `absent` there.
// Returns whether all were there.
export function copyPlane(slices, plane, index, size, target, absent) {
  if (plane.axis === "slice") {
    if (slices[index]) target.set(slices[index]);
    else target.fill(absent);
    return Boolean(slices[index]);
  }
  const width = size[plane.across];
  let complete = true;
  for (let y = 0; y < size.slice; y++) {
    const slice = slices[downAt(plane, y, size)];
    const start = y * width;
    if (!slice) {
      target.fill(absent, start, start + width);
      complete = false;
    } else if (plane.axis === "row") {
      target.set(slice.subarray(index * size.column, (index + 1) * size.column), start);
    } else {
      for (let row = 0, from = index; row < width; row++, from += size.column) target[start + row] = slice[from];
    }
  }
  return complete;
}
