/** Fills the report's page from the data inside it. */

import { element } from "../../inspector/page/dom.js";
import { LexiconPanel } from "./lexicon_panel.js";
import { SentencesPanel } from "./sentences_panel.js";
import { tabs } from "./tabs.js";
import { wordTable } from "./word_table.js";

const find = (id) => document.getElementById(id);
const data = JSON.parse(find("report-data").textContent);

/** What may stand in a `lang` attribute: "" for a language known only by a name, as that is not the page's English. */
const CODE = /^[a-z]{2,3}([-_][a-z0-9]{2,8})*$/i;
const code = (language) => (CODE.test(language ?? "") ? language.replaceAll("_", "-") : "");
const languages = { source: code(data.languages.source), target: code(data.languages.target) };

const choose = tabs(find("tabs"));
find("tabs").hidden = false;
const sentences = new SentencesPanel(find("sentences"), languages);
const showSentences = (words) => {
  choose("sentences");
  sentences.only(words);
};
const lexicon = new LexiconPanel(find("lexicon-list"), languages, showSentences);

function show(set) {
  sentences.show(set.sentences);
  lexicon.show(set.lexicon);
  wordTable(find("dropped"), set.dropped, {
    verb: "not looked at",
    side: "source",
    language: languages.source,
    empty: "Every source word was looked at.",
    onChoose: showSentences,
  });
  wordTable(find("repeated"), set.repeated, {
    verb: "repeated",
    side: "target",
    language: languages.target,
    empty: "No word was repeated.",
    onChoose: showSentences,
  });
}

function setChoice() {
  const select = find("set-choice");
  select.append(...data.sets.map((set, place) => element("option", { value: place }, set.name)));
  select.addEventListener("change", () => show(data.sets[Number(select.value)]));
  select.parentElement.hidden = data.sets.length < 2;
}

function colorScheme() {
  const button = find("color-scheme");
  const root = document.documentElement;
  const byDefault = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const other = () => ((root.style.colorScheme || byDefault) === "dark" ? "light" : "dark");
  const name = () => (button.textContent = other() === "dark" ? "Dark" : "Light");
  button.addEventListener("click", () => {
    root.style.colorScheme = other();
    name();
  });
  button.hidden = false;
  name();
}

setChoice();
colorScheme();
show(data.sets[0]);
