'use strict';
(() => {
  const root = document.documentElement;
  const at = (id) => document.getElementById(id);
  const live = at('live');
  const news = at('news');
  root.classList.add('js');

  // The service's clock minus ours, in seconds.
  let skew = Number(root.dataset.now) - Date.now() / 1000;
  let seen = root.dataset.seen;

  // Seconds in words, as the service writes them.
  const span = (s) => s < 60 ? `${s} s`
    : s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s`
    : s < 86400 ? `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`
    : `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;

  const tick = () => {
    const now = Math.floor(Date.now() / 1000 + skew);
    for (const count of document.querySelectorAll('.count')) {
      const away = Number(count.dataset.at) - now;
      count.textContent = span(Math.max(0, count.dataset.way === 'until' ? away : -away));
    }
  };

  // Makes `old` what `now` is, and keeps every element that stays what it was: with its focus, its
  // selection, and whether it is open.
  const morph = (old, now) => {
    if (old.isEqualNode(now)) return;
    if (old.nodeType !== Node.ELEMENT_NODE || old.nodeName !== now.nodeName || old.id !== now.id) {
      old.replaceWith(now.cloneNode(true));
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (name !== 'open' && !now.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of now.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    const ours = [...old.childNodes];
    const theirs = [...now.childNodes];
    theirs.forEach((node, i) => {
      if (i < ours.length) morph(ours[i], node);
      else old.append(node.cloneNode(true));
    });
    ours.slice(theirs.length).forEach((node) => node.remove());
  };

  const replace = (section, html) => {
    const open = [...section.querySelectorAll('details[open]')].map((it) => it.id);
    const focused = section.contains(document.activeElement)
      && document.activeElement.closest('details')?.id;
    const parsed = new DOMParser().parseFromString(`<section>${html}</section>`, 'text/html');
    const now = parsed.body.firstElementChild;
    for (const { name, value } of section.attributes) now.setAttribute(name, value);
    now.classList.remove('fresh');
    morph(section, now);
    open.forEach((id) => at(id)?.setAttribute('open', ''));
    if (focused && document.activeElement === document.body) at(focused)?.firstElementChild.focus();
    void section.offsetWidth;
    section.classList.add('fresh');
  };

  // One sentence at most every ten seconds, and only when it is another one.
  let said = at('headline')?.textContent;
  let waits = false;
  const say = () => {
    const words = at('headline')?.textContent;
    if (waits || words === said) return;
    [said, waits] = [words, true];
    news.textContent = words;
    setTimeout(() => { waits = false; say(); }, 10000);
  };

  const asof = document.querySelector('.asof time');
  const clock = (s) => {
    const text = new Date(s * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
    asof.dateTime = text;
    asof.textContent = text.replace('T', ' ').replace('Z', ' UTC');
  };

  const show = (is, words) => {
    // Said aloud, too: a page that stands still looks like one that lives.
    if (is === 'off' && live.className === 'on') news.textContent = `This page is ${words}.`;
    live.hidden = false;
    live.className = is;
    if (live.textContent !== words) live.textContent = words;
  };

  // When something came last: there is an event every fifteen seconds.
  let heard;

  const listen = () => {
    const events = new EventSource(`v1/events?seen=${seen}`);
    heard = Date.now();
    const silence = setInterval(() => {
      if (events.readyState === EventSource.CLOSED) clearInterval(silence);
      if (events.readyState !== EventSource.OPEN || Date.now() - heard < 45000) return;
      show('off', 'not connected, trying again');
      clearInterval(silence);
      events.close();
      listen();
    }, 5000);
    events.addEventListener('open', () => show('on', 'live'));
    events.addEventListener('section', ({ data }) => {
      heard = Date.now();
      const { id, html } = JSON.parse(data);
      const section = at(id);
      if (section) replace(section, html);
    });
    events.addEventListener('now', ({ data, lastEventId }) => {
      heard = Date.now();
      skew = Number(data) - heard / 1000;
      clock(Number(data));
      seen = lastEventId;
      tick();
      say();
    });
    events.addEventListener('error', () => {
      show('off', 'not connected, trying again');
      if (events.readyState === EventSource.CLOSED) setTimeout(listen, 20000 + Math.random() * 20000);
    });
  };

  document.addEventListener('click', ({ target }) => {
    const button = target.closest?.('[data-copy]');
    if (!button) return;
    const text = at(button.dataset.copy);
    const tell = (words) => {
      button.textContent = words;
      news.textContent = words === 'Copied' ? 'The command is copied.' : 'The command is selected.';
      setTimeout(() => { button.textContent = 'Copy'; }, 2000);
    };
    // Without TLS there is no clipboard, and some browsers refuse it: then it is selected.
    const select = () => {
      getSelection().selectAllChildren(text);
      tell('Selected');
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text.textContent).then(() => tell('Copied'), select);
    else select();
  });

  setInterval(tick, 1000);
  listen();
})();
