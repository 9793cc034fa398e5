// Sends a zip archive, or a folder as one, with its progress; without this script the form sends the archive.
"use strict";

const part = (id) => document.getElementById(id);
const form = part("upload"), archive = part("archive"), folder = part("folder");
const MOST_BYTES = Number(form.dataset.mostBytes), MOST_FILES = Number(form.dataset.mostFiles);
let sending = null;

function tell(words, share = null) {
  part("told").textContent = words;
  part("sent").hidden = share === null;
  if (share !== null) part("sent").value = share;
}

function refuse(words) {
  tell("");
  part("problem").textContent = words;
  part("problem").hidden = words === "";
}

function busy(is) {
  for (const field of [archive, folder, part("send")]) field.disabled = is;
  part("cancel").hidden = !is;
}

// Of several choices the last one counts.
function chosen() {
  if (archive.files.length) return [...archive.files];
  return [...folder.files];
}

function problemOf(files) {
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  if (!files.length) return "Choose a zip archive or a folder first.";
  if (bytes > Math.min(MOST_BYTES, LARGEST_ZIP)) return "The upload is larger than this room accepts: upload one study.";
  if (files.length > Math.min(MOST_FILES, MOST_ENTRIES)) return "The folder has more files than this room accepts: upload one study.";
  return "";
}

async function bodyOf(files) {
  if (archive.files.length) return files[0];
  return storedZip(files, (done) => tell(`Reading the folder, ${done} of ${files.length} files.`, done / files.length));
}

function send(body) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/api/uploads");
    request.setRequestHeader("Content-Type", "application/zip");
    request.responseType = "json";
    request.upload.onprogress = (event) => tell(`Uploading, ${Math.floor((100 * event.loaded) / event.total)} %.`, event.loaded / event.total);
    request.upload.onload = () => tell("Uploaded. The images are being checked.", 1);
    request.onload = () => (request.status === 201 ? resolve(request.response) : reject(request));
    request.onerror = request.onabort = () => reject(request);
    sending = request;
    request.send(body);
  });
}

function reasonOf(failure) {
  if (sending === null) return "Cancelled. Nothing was kept.";
  if (failure.status === 401) return "You are logged out: reload the page.";
  return failure.response?.problem ?? "The connection broke, or a file changed or cannot be read. Nothing was kept; try again.";
}

async function upload(event) {
  event.preventDefault();
  const files = chosen();
  refuse(problemOf(files));
  if (problemOf(files)) return;
  busy(true);
  sending = {};
  try {
    const body = await bodyOf(files);
    if (sending === null) throw null;
    const found = await send(body);
    form.reset();
    tell(`Received: ${found.images} images. They are diagnosed in turn; the list below follows.`);
  } catch (failure) {
    refuse(reasonOf(failure));
  } finally {
    sending = null;
    busy(false);
  }
}

archive.required = false;
part("for-folder").hidden = false;
archive.addEventListener("change", () => { folder.value = ""; });
folder.addEventListener("change", () => { archive.value = ""; });
part("cancel").addEventListener("click", () => {
  const request = sending;
  sending = null;
  request?.abort?.();
});
form.addEventListener("submit", upload);
