/* What each page of the book loads: questions, exercises and progress where there are any. */
const find = (selector) => document.querySelector(selector);

if (find(".mp-question")) import("./_questions.js");
if (find(".mp-exercise")) import("./_exercises.js");
if (find("[data-progress]")) import("./progress.js");
