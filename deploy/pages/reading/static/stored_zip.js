// A folder's files as one zip archive, not compressed (APPNOTE.TXT 4.3), under numbers: no name leaves the browser.
"use strict";

const LARGEST_ZIP = 0xffffffff;
const MOST_ENTRIES = 0xffff;
const UTF8 = 0x800;
const FIRST_OF_JANUARY_1980 = 0x21;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1;
  return byte;
});

function crcOf(bytes) {
  let crc = 0xffffffff;
  for (let at = 0; at < bytes.length; at++) crc = CRC_TABLE[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// Each field: its number of bytes, 2 or 4, and its value.
function packed(...fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  }
  return view.buffer;
}

// The archive of `files`; tell(done) after each. The browser reads the files again when it sends them.
async function storedZip(files, tell) {
  const parts = [], directory = [];
  let at = 0, listed = 0;
  for (const [number, file] of files.entries()) {
    const name = new TextEncoder().encode(String(number));
    const crc = crcOf(new Uint8Array(await file.arrayBuffer()));
    const shared = [[2, 20], [2, UTF8], [2, 0], [2, 0], [2, FIRST_OF_JANUARY_1980], [4, crc], [4, file.size], [4, file.size], [2, name.length], [2, 0]];
    const local = packed([4, 0x04034b50], ...shared);
    const entry = packed([4, 0x02014b50], [2, 20], ...shared, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]);
    parts.push(local, name, file);
    directory.push(entry, name);
    at += local.byteLength + name.length + file.size;
    listed += entry.byteLength + name.length;
    tell(number + 1);
  }
  const end = packed([4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, listed], [4, at], [2, 0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
