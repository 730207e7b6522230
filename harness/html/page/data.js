/** The data that stands in the page, deflated: read when it is first wanted, and then kept. */

/** The index, and the ways to what a cell and a scenario hold. */
export async function openData() {
  const index = await readBlock('data');
  const blocks = new Map();
  const read = (id) => {
    if (!blocks.has(id)) blocks.set(id, readBlock(id));
    return blocks.get(id);
  };
  const cells = index.cells.map(
    ([sender, scenario, shown, exposure, durationMs, told, reach, place, hasEvidence, known]) => ({
      sender,
      scenario,
      shown: index.shown[shown],
      exposure: index.texts[exposure],
      durationMs,
      told: index.texts[told],
      reach: index.texts[reach],
      place,
      hasEvidence: hasEvidence === 1,
      known,
    }),
  );
  return {
    ...index,
    cells,
    /** What the scenario's world was like, or null. */
    async world(scenario) {
      const block = await read(`w${Math.floor(scenario / index.worldsInBlock)}`);
      return block[scenario % index.worldsInBlock];
    },
    /** Findings, remarks and evidence of a cell; undefined where the report has none. */
    async detail({ place }) {
      if (place < 0) return undefined;
      const block = await read(`d${Math.floor(place / index.detailsInBlock)}`);
      const [[findings, remarks], evidence] = block[place % index.detailsInBlock];
      return { findings, remarks, evidence: evidence && (await unpack(evidence, index, read)) };
    },
  };
}

async function unpack([numbers, times, seqs, names, attacked, exposed], { eventsInBlock }, read) {
  const at = sums(times);
  const seq = seqs === 0 ? at.map((_, place) => place + 1) : sums(seqs);
  const onHop = new Set(sums(attacked));
  const seen = new Set(sums(exposed));
  const events = await Promise.all(
    numbers.map(async (number) => {
      const block = await read(`e${Math.floor(number / eventsInBlock)}`);
      return block[number % eventsInBlock];
    }),
  );
  return events.map((event, place) => ({
    ...restored(event, names),
    seq: seq[place],
    at: at[place],
    isAttacked: onHop.has(seq[place]),
    isExposed: seen.has(seq[place]),
  }));
}

/** Numbers from the steps between them. */
function sums(steps) {
  let sum = 0;
  return steps.map((step) => {
    sum += step;
    return sum;
  });
}

/** What was taken out of an event so that others may share it. */
function restored(value, names) {
  if (typeof value === 'string')
    return value.replace(/[\ue000-\uf8ff]/g, (one) => names[one.charCodeAt(0) - 0xe000] ?? one);
  if (Array.isArray(value)) return value.map((part) => restored(part, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, restored(part, names)]),
  );
}

async function readBlock(id) {
  const binary = atob(document.getElementById(id)?.textContent ?? '');
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Response(stream).json();
}
