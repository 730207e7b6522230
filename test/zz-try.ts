import { farm } from './mutants/farm.ts';
import { shippedScenarios } from './mutants/try.ts';

const [pattern, ...traits] = process.argv.slice(2);
const scenarios = (await shippedScenarios())
  .map(({ id }) => id)
  .filter((id) => new RegExp(pattern!).test(id));
for (const r of await farm(traits.map((t) => ({ traits: t === 'none' ? '' : t, scenarios }))))
  if (r.grade !== 'pass') console.log(r.words.slice(0, 400));
