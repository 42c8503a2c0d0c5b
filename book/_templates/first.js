    // Before anything is drawn: a storage where the browser refuses one, and the colors.
    (function (root) {
      function Kept() { this.items = new Map(); }
      Kept.prototype = {
        getItem(key) { return this.items.get(String(key)) ?? null; },
        setItem(key, value) { this.items.set(String(key), String(value)); },
        removeItem(key) { this.items.delete(String(key)); },
        clear() { this.items.clear(); },
        key(i) { return [...this.items.keys()][i] ?? null; },
        get length() { return this.items.size; },
      };
      for (const name of ["localStorage", "sessionStorage"]) {
        try {
          window[name].getItem("mode");
        } catch {
          Object.defineProperty(window, name, { value: new Kept(), configurable: true });
        }
      }
      const mode = localStorage.getItem("mode");
      root.dataset.mode = mode === "light" || mode === "dark" ? mode : "auto";
      const dark = matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = root.dataset.mode === "auto" ? (dark ? "dark" : "light") : mode;
    })(document.documentElement);
