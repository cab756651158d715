"""The report in Chinese: every English template and its counterpart. A test finds the missing ones."""

SENTENCES: dict[str, str] = {
    # summary
    "What inference sold for: week {week}": "推理价格周报：{week}",
    "{first} to {last}, UTC. {offers} offers of {models} models from {sellers} sellers stood at the end.": (
        "{first} 至 {last}（UTC）。周末在售：{sellers} 家供应商的 {models} 个模型，共 {offers} 个报价。"
    ),
    "Price index: {ends}.": "价格指数：{ends}。",
    "No offer of a known model got cheaper.": "没有已知模型降价。",
    "The deepest cut is {offer}: {prices}, {how}, since {at} UTC.": (
        "降幅最大的是 {offer}：{prices}，{how}，自 {at} UTC 起。"
    ),
    "The hardest fight is over {model}, cut by {count} sellers ({sellers}).": (
        "竞争最激烈的是 {model}：{count} 家供应商降价（{sellers}）。"
    ),
    "{pairs} {currency} per million in/out ({change})": "{pairs} {currency}/百万 输入/输出（{change}）",
    "Below cost: nothing was assessed up to this week, so nobody is said to sell below cost.": (
        "低于成本：截至本周尚无评估，因此不认定任何一家低于成本销售。"
    ),
    "Below cost: no offer is flagged, of {count} models whose cost is known.": (
        "低于成本：在成本已知的 {count} 个模型中，没有报价被标记。"
    ),
    "Where to buy: no model has a proven price.": "在哪里买：没有模型有可信的价格。",
    "Where to buy {model}: cheapest is {offer} at {price} $/M in/out ({precision}).": (
        "在哪里买 {model}：最便宜的是 {offer}，输入/输出 {price} 美元/百万（{precision}）。"
    ),
    "Cheapest that declares full precision: {offer} at {price} ({precision}).": (
        "声明全精度的最低价：{offer}，{price}（{precision}）。"
    ),
    "precision not declared": "未声明精度",
    # partial weeks
    "Partial week: the ledger ends on {at} UTC.": "本周不完整：账本截止于 {at} UTC。",
    "Partial week for {source}: read since {at} UTC; what it changed before that is not known.": (
        "{source} 本周不完整：自 {at} UTC 起才有读取，此前的变动未知。"
    ),
    "Partial week for {source}: last read on {at} UTC, so nothing after that is told.": (
        "{source} 本周不完整：最后读取于 {at} UTC，此后的情况未包含。"
    ),
    # index, floor, burn
    "Price index": "价格指数",
    "frontier": "前沿模型",
    "open, large": "开放权重（大）",
    "open, small": "开放权重（小）",
    "Chinese market": "中国市场",
    "Nothing recorded: no price index reaches into this week.": "无记录：没有覆盖本周的价格指数。",
    "The index compares each offer with itself from day to day (chained Fisher, 100 at the start): entries and "
    "departures do not move it.": "指数逐日将每个报价与其自身比较（链式费雪指数，起点为 100）：上架与下架不影响指数。",
    "Price index since the start": "价格指数（自起点）",
    "Price index, last twelve weeks": "价格指数（最近十二周）",
    "At the end of the week: {ends}.": "周末：{ends}。",
    "100 on the first day": "首日为 100",
    "The week's move": "本周变动",
    "Class": "类别",
    "Index": "指数",
    "Since the start": "自起点",
    "Prices compared": "参与比较的价格",
    "Day": "日期",
    "Price against cost floor": "价格与成本下限",
    "Nothing recorded: no model's cost has been assessed up to this week.": "无记录：截至本周没有模型的成本评估。",
    "Cheapest price and cost floor, 3:1 blend": "最低价与成本下限（3:1 混合）",
    "USD per million tokens": "美元/百万词元",
    "Cheapest $/M": "最低价 $/百万",
    "Transacted $/M": "成交价 $/百万",
    "Cost low": "成本下限",
    "middle": "中值",
    "high": "上限",
    "Hardware": "硬件",
    "Precision": "精度",
    "Assumption": "假设情景",
    "Price $/M": "价格 $/百万",
    "Below cost": "低于成本",
    "Nothing recorded: no open flag says that an offer is below cost, and no burn was assessed.": (
        "无记录：没有未关闭的低于成本标记，也没有亏损评估。"
    ),
    "Flagged below cost": "被标记为低于成本",
    "Burn in the week: what the traffic of one router loses at the cheapest price": (
        "本周亏损：一个路由器的流量按最低价会亏多少"
    ),
    "Cheapest offer": "最便宜的报价",
    "Days": "天数",
    "Lost, low $": "亏损下限 $",
    "middle $": "中值 $",
    "high $": "上限 $",
    "Counter": "计数来源",
    # moves
    "The fight of the week": "本周的价格战",
    "No model was cut by two sellers or more.": "没有被两家以上供应商降价的模型。",
    "Output price per million tokens of {model}. At the end of the week: {prices}.": (
        "{model} 每百万输出词元的价格。周末：{prices}。"
    ),
    "Output price of {model}, by seller": "{model} 的输出价格（按供应商）",
    "USD per million output tokens": "美元/百万输出词元",
    "Every seller of it": "所有销售方",
    "Cuts and rises": "降价与涨价",
    "Cuts": "降价",
    "Rises (and prices where one side rose and the other fell)": "涨价（及一升一降者）",
    "In several steps": "分多步变动",
    "The same on a router's own list (follows the hosts above; not counted)": (
        "路由器自身列表上的同样变动（随上述主机；不计入）"
    ),
    "Input / M, step by step (UTC)": "输入/百万，逐步（UTC）",
    "Output / M, step by step (UTC)": "输出/百万，逐步（UTC）",
    "No price that was read in this week is lower or higher at its end than at its start.": (
        "本周读取的价格在周末与周初之间没有升降。"
    ),
    "Net of the week, per offer, as its best source says; the most contested model first.": (
        "每个报价的本周净变动，以其最可靠的来源为准；竞争最激烈的模型在前。"
    ),
    "Most contested, by offers that got cheaper: {models}.": "竞争最激烈（按降价报价数）：{models}。",
    "list price cut": "下调标价",
    "list price raised": "上调标价",
    "promotion began": "促销开始",
    "promotion ended": "促销结束",
    "promotion changed": "促销变化",
    "free tier": "免费档",
    "Promotions": "促销",
    "No promotion began or ended.": "没有促销开始或结束。",
    "Unproven zeros": "无凭据的零价",
    "No unproven zero price appeared or ended.": "没有无凭据的零价出现或结束。",
    "Input before": "原输入价",
    "Input after": "现输入价",
    "Output before": "原输出价",
    "Output after": "现输出价",
    "Zero from (UTC)": "零价自（UTC）",
    "Zero until (UTC)": "零价至（UTC）",
    "To and fro": "来回波动",
    "Prices that moved to and fro": "来回波动的价格",
    "No price moved to and fro.": "没有来回波动的价格。",
    "New and removed offers": "新增与下架",
    "New models": "新模型",
    "New offers of known models": "已知模型的新报价",
    "Removed offers": "下架的报价",
    "Fine print that moved": "细则变动",
    "Prices beside plain input and output that moved: {count}.": "普通输入输出之外的价格变动：{count} 个。",
    "Cache, long prompts, hours and other components": "缓存、长提示、时段及其他计费项",
    "any prompt, any hour": "任意提示、任意时段",
    "for some prompts or hours": "部分提示或时段",
    "Scope": "范围",
    "Moves": "变动次数",
    "lowest": "最低",
    "highest": "最高",
    # comparison
    "Beside the week before": "与上周对比",
    "Counts": "计数",
    "What": "项目",
    "offers that got cheaper": "降价的报价",
    "offers that got dearer": "涨价的报价",
    "new offers": "新增报价",
    "removed offers": "下架报价",
    "prices that moved to and fro": "来回波动的价格",
    "unproven zeros": "无凭据的零价",
    "offers moved by promotion": "因促销变动的报价",
    # buying
    "Cheapest per model": "各模型最低价",
    "Cheapest at any precision": "不限精度的最低价",
    "Cheapest that declares bf16 or fp16": "声明 bf16 或 fp16 的最低价",
    "Most sellers first; the data file has all models. Speeds are the week's median, as others measured.": (
        "供应商最多者在前；数据文件含全部模型。速度为他人测量的本周中位数。"
    ),
    "Sellers": "供应商数",
    "Declared": "声明精度",
    "Input $/M": "输入 $/百万",
    "Output $/M": "输出 $/百万",
    "Blend $/M": "混合 $/百万",
    "3:1 blend $/M": "3:1 混合 $/百万",
    "First token ms": "首词元 毫秒",
    "tok/s": "词元/秒",
    "Uptime %": "可用率 %",
    "Refused %": "拒绝 %",
    "Verified %": "核验 %",
    # watch
    "Quantization watch": "量化观察",
    "Declarations that changed": "改变的声明",
    "Declared before": "原声明",
    "Declared now": "现声明",
    "Audited": "已审计",
    "Declared at the end of the week": "周末的声明",
    "Offers": "报价数",
    "Teaser prices": "引流价",
    "Nothing recorded: no open flag says that a price holds only below its rate limit.": (
        "无记录：没有未关闭的标记称某价格只在限流之下成立。"
    ),
    "Flag ID": "标记编号",
    "`tracker explain FLAG_ID` gives the sum and the rows behind a flag.": (
        "`tracker explain FLAG_ID` 给出标记背后的算式与数据行。"
    ),
    "Probability": "概率",
    "What is said": "判断",
    "What would clear it": "何者可消除",
    "Flags opened and closed": "开启与关闭的标记",
    "Nothing recorded: no assessment has run on this ledger up to the end of the week.": (
        "无记录：截至周末，此账本尚未进行过评估。"
    ),
    "Opened": "开启",
    "Closed": "关闭",
    # speed
    "Speed": "速度",
    "Nothing recorded: no speed was published for any offer in this week.": "无记录：本周没有报价公布速度。",
    "{count} offers of {models} models have speeds measured by others in this week (its median). End to end is first "
    "token plus {tokens} tokens at the measured rate, for the prompts of the market's own mix.": (
        "本周有 {models} 个模型的 {count} 个报价有他人测得的速度（中位数）。"
        "端到端为首词元加按测得速率生成 {tokens} 个词元，提示为市场自身的组合。"
    ),
    "on the frontier": "在前沿上",
    "beaten on both": "两项均被超越",
    "{model}: {count} measured sellers; cheapest {cheapest} at ${price}/M and {slow} tok/s, fastest {fastest} at "
    "${dear}/M and {fast} tok/s.": (
        "{model}：{count} 家有测量；最便宜 {cheapest}，${price}/百万、{slow} 词元/秒；"
        "最快 {fastest}，${dear}/百万、{fast} 词元/秒。"
    ),
    "3:1 blend, $ per million tokens": "3:1 混合，美元/百万词元",
    "tokens per second (median)": "词元/秒（中位数）",
    "Price and speed: {model}": "价格与速度：{model}",
    "Price-speed frontier: nobody sells the model both cheaper and faster": "价格—速度前沿：没有人卖得既更便宜又更快",
    "Fastest end to end": "端到端最快",
    "End to end s": "端到端 秒",
    "End to end ms": "端到端 毫秒",
    "Our own probes in this week": "本周我们自己的探测",
    "Workload": "负载",
    "Concurrent": "并发",
    "Probes": "探测数",
    # rents, limits
    "Accelerator rents": "加速器租金",
    "Accelerator rents, last twelve weeks": "加速器租金（最近十二周）",
    "Nothing recorded: no rental price stood in this week.": "无记录：本周没有租价。",
    "{count} prices of {lessors} lessors at most per accelerator; the median of what each lessor lists.": (
        "共 {count} 个价格，每种加速器至多 {lessors} 家出租方；为各家标价的中位数。"
    ),
    "Median on-demand rent per hour at the end: {rents}.": "周末按需租金中位数（每小时）：{rents}。",
    "Rent of one accelerator, USD per hour": "单个加速器租金，美元/小时",
    "USD per hour, median": "美元/小时，中位数",
    "Rents": "租金",
    "Accelerator": "加速器",
    "Commitment": "承诺期",
    "Lessors": "出租方",
    "Prices": "价格数",
    "Median $/h": "中位数 $/小时",
    "Limits that changed": "变动的限额",
    "Nothing recorded: no source of this week publishes limits.": "无记录：本周没有来源公布限额。",
    "{changed} limits changed; {standing} stand, of {sellers} sellers.": (
        "{changed} 项限额变动；现有 {sellers} 家供应商的 {standing} 项。"
    ),
    "Account tier": "账户等级",
    "Measure": "计量",
    "Per": "每",
    "Limit": "限额",
    "Status": "状态",
    # quality
    "Data quality": "数据质量",
    "{read} of {known} sources were read in the week, {failed} had failed passes; {held} rows were held for doubt, "
    "{waiting} of them still wait. Today {conflicts} prices are told differently by two sources, and {names} listed "
    "names have no model.": (
        "本周读取了 {known} 个来源中的 {read} 个，{failed} 个有失败；{held} 行因存疑被暂扣，其中 {waiting} 行仍在等待。"
        "目前有 {conflicts} 个价格两处来源说法不一，{names} 个名称没有对应模型。"
    ),
    "Sources": "来源",
    "Good passes": "成功次数",
    "Failed": "失败",
    "Days read": "读取天数",
    "Last good (UTC)": "最近成功（UTC）",
    "Rows": "行数",
    "Versions opened": "新版本",
    "Held": "暂扣",
    "Problem": "问题",
    "Held rows": "暂扣的行",
    "Times": "次数",
    "Doubted price": "存疑价格",
    "Reason": "原因",
    "Compared with": "比较对象",
    "State": "状态",
    "Seen (UTC)": "所见（UTC）",
    "Sources that disagree today": "目前互相矛盾的来源",
    "says": "称",
    "Other source": "另一来源",
    "Names without a model today": "目前没有对应模型的名称",
    "Quotes": "报价行",
    # columns
    "Model": "模型",
    "Offer": "报价",
    "Provider": "供应商",
    "Listed name": "列示名称",
    "Input / M": "输入/百万",
    "Output / M": "输出/百万",
    "Cached": "缓存",
    "Currency": "货币",
    "Change": "变动",
    "Kind": "种类",
    "Since (UTC)": "自（UTC）",
    "At (UTC)": "时间（UTC）",
    "When (UTC)": "时间（UTC）",
    "Source": "来源",
    "Evidence": "证据",
    "Component": "计费项",
    "Price": "价格",
    "Note": "备注",
    "Quote ID": "报价编号",
    "As written": "原文",
    "First seen (UTC)": "首次所见（UTC）",
    "Contents": "目录",
    "Data:": "数据：",
    "{shown} of {all} rows.": "共 {all} 行，显示 {shown} 行。",
    "Inference price tracker · weekly report": "推理价格追踪 · 周报",
    "Each printed quote as its source wrote it. `tracker evidence ID` shows the chain down to the raw bytes.": (
        "所引各报价的来源原文。`tracker evidence ID` 显示直至原始字节的证据链。"
    ),
    # site
    "Inference price tracker": "推理价格追踪",
    "What LLM inference sells for, with the evidence. The ledger stands at {at} UTC.": (
        "大模型推理的售价及其证据。账本截至 {at} UTC。"
    ),
    "Weekly reports": "周报",
    "None yet.": "暂无。",
    "Data": "数据",
    "the whole published ledger; DuckDB 1.4 and newer open it": "完整的已发布账本；DuckDB 1.4 及更新版本可打开",
    "what every offer costs now": "每个报价的现价",
    "every price point with when it held": "每个价格及其有效时间",
    "cuts, rises, promotions, new and removed": "降价、涨价、促销、新增与下架",
    "precision, context and more, as declared": "所声明的精度、上下文等",
    "rate limits per account tier": "各账户等级的限额",
    "accelerator rents": "加速器租金",
    "where it was read and how that went": "读取的来源及其情况",
    "dated inferences about offers": "关于报价的带日期的推断",
    "reports and price changes as an Atom feed": "周报与价格变动的 Atom 订阅",
    "Models": "模型",
    "Providers": "供应商",
    "{count} offers today": "目前 {count} 个报价",
    "Offers today": "目前的报价",
    "Cheapest first": "最便宜者在前",
    "Latest changes": "最近变动",
    "Newest first": "最新者在前",
    "No change in the last year.": "最近一年没有变动。",
    "Price history": "价格历史",
    "Output price per million tokens over the last year. Now: {ends}.": "最近一年每百万输出词元的价格。现在：{ends}。",
    "Prices are per million tokens. `tracker evidence ID` shows the chain from a quote down to the raw bytes. Names "
    "are printed exactly as sources list them.": (
        "价格为每百万词元。`tracker evidence ID` 显示从报价到原始字节的证据链。名称与来源所列完全一致。"
    ),
    "zero not proven": "零价无凭据",
    "promotion": "促销",
    # feed
    "cut": "降价",
    "rise": "涨价",
    "new": "新增",
    "removed": "下架",
    "Output per million tokens: {price}. Source {source}; tracker evidence {id}.": (
        "每百万输出词元：{price}。来源 {source}；tracker evidence {id}。"
    ),
    # costs, loads, doubts
    "'Uptime' and 'refused' (requests turned away for rate limits) are the week's, as a router counted them; "
    "'verified' is the accuracy of tool calls that the model's author measured at that seller.": (
        "“可用率”与“拒绝”（因限流被拒的请求）为本周数据，由路由器统计；“核验”是模型作者在该供应商处测得的工"
        "具调用准确率。"
    ),
    "At a time": "并发请求",
    "At the middle of the assumptions, at any speed.": "取假设的中值，不限速度。",
    "Bands: cost from low to high with its middle; coloured marks: the cost on one kind of accelerator; diamonds: "
    "prices of offers. Furthest below its band: {model}, cheapest ${price}/M against ${low} to ${high}/M on "
    "{hardware}.": (
        "条带：成本下限至上限及中值；彩色标记：单一加速器上的成本；菱形：各报价。低于区间最多的是 {model}：最低价"
        " ${price}/百万，成本 ${low} 至 ${high}/百万（{hardware}）。"
    ),
    "Below cost, free offers and doubtful prices apart: {count}, surest {offers} (probability in brackets, under the "
    "assumption '{scenario}').": (
        "低于成本（不计免费报价与存疑价格）：{count} 个，最确定的是 {offers}（括号内为概率，假设情景“{scenario}”）。"
    ),
    "Below cost: {count} offers are flagged, all of them free or at a price that is in doubt.": (
        "低于成本：{count} 个报价被标记，均为免费或价格存疑。"
    ),
    "Below the released precision by their own word": "自称低于发布精度",
    "Cheaper by": "降低倍数",
    "Cheapest deployment after it": "此后最便宜的部署",
    "Cost $/M": "成本 $/百万",
    "Cost after $/M": "之后成本 $/百万",
    "Cost before $/M": "之前成本 $/百万",
    "Cost by hardware, 3:1 blend": "各硬件上的成本（3:1 混合）",
    "Cost in $ per million tokens on each accelerator, cheapest first": (
        "各加速器上每百万词元的成本（美元），最便宜者在前"
    ),
    "Flagged as served below the precision the model was released in: {itself} that say so themselves, on their page "
    "or in the name (no deceit, but not the full model), and {suspected} that declare nothing and are suspected from "
    "circumstance: what the seller declares for its other models, its price, its speed. Only an audit can prove it.": (
        "被标记为服务精度低于模型发布精度：{itself} 个在页面或名称中自行说明（并非欺骗，但不是完整模型），{suspected}"
        " 个未作声明、据旁证存疑：该供应商对其他模型的声明、价格与速度。只有审计才能证实。"
    ),
    "Flags opened: {opened}; closed: {closed}; standing at the end of the week: {standing}.": (
        "开启的标记：{opened} 个；关闭：{closed} 个；周末现存：{standing} 个。"
    ),
    "KV paging": "KV 分页",
    "Models listed for the first time: {models} (offers of them: {fresh}); new offers of known models: {other}; "
    "offers removed: {gone}; listed and removed within the week: {brief}.": (
        "首次上架 {models} 个模型（{fresh} 个报价）；已知模型新增 {other} 个报价；下架 {gone} 个；当周上架又下架 "
        "{brief} 个。"
    ),
    "Moved by promotion alone: {count}, see Promotions.": "另有 {count} 个仅因促销变动：见“促销”。",
    "No source of this week publishes the uptime of these offers.": "本周没有来源公布这些报价的可用率。",
    "Not counted: unproven zeros {zeros}, prices that only moved to and fro {wavering}.": (
        "未计入：无凭据的零价 {zeros} 个，来回波动的价格 {wavering} 个。"
    ),
    "Now $/M": "现在 $/百万",
    "Of {count} open models with a cost band, the cheapest price of {below} lies below even the low end of the band "
    "and of {within} below its middle. The band is what the cheapest deployment costs under the named assumptions; a "
    "price below it says that they do not hold for that seller, or that it loses money. The assumption 'market' "
    "takes accelerators at the week's rents, public serving software and the usual load and prompt lengths; other "
    "names are dated scenarios of one seller.": (
        "在有成本区间的 {count} 个开放模型中，{below} 个的最低价低于区间下端，{within} 个低于区间中值。区间是在所"
        "列假设下最便宜部署的成本；价格低于它，说明假设对该供应商不成立，或者它在亏钱。假设情景“market”取本周的"
        "加速器租金、公开的推理软件及通常的负载与提示长度；其他名称是某一供应商在某一时期的情景。"
    ),
    "Offers flagged below cost: {count}. {free} of them are free and {doubted} more have a price that is itself in "
    "doubt (stale, a wrong unit, sources in conflict); they stand last. The traffic that one router shows would lose "
    "between ${low} and ${high} in the week if all of it were served at the cheapest price; one router is not the "
    "market.": (
        "被标记为低于成本的报价：{count} 个。其中 {free} 个免费，另有 {doubted} 个价格本身存疑（过时、单位有误或"
        "来源冲突），排在最后。若某路由器显示的流量全部按最低价服务，本周将亏损 ${low} 至 ${high}；一个路由器并不"
        "等于整个市场。"
    ),
    "Offers left out because an open flag doubts the price itself (stale, a wrong unit, sources in conflict): "
    "{count}.": ("因未关闭的标记对价格本身存疑（过时、单位有误或来源冲突）而未列入的报价：{count} 个。"),
    "Offers that declare a precision: {declared}; declarations that changed in the week: {changed}; audits recorded: "
    "{audited}.": ("声明精度的报价：{declared} 个；本周改变的声明：{changed} 项；已记录的审计：{audited} 项。"),
    "Offers that ended the week cheaper: {cuts} ({promos} of them by promotion); dearer: {rises}; new: {new}; gone: "
    "{gone}.": ("本周 {cuts} 个报价降价（其中 {promos} 个为促销），{rises} 个涨价；新增 {new} 个，下架 {gone} 个。"),
    "Offers that showed a bare 0 that nothing else proves: {count}. Such a zero is told here and counts neither as a "
    "cut nor as the cheapest price.": (
        "{count} 个报价出现了没有其他凭据的 0。这样的零价只在此处说明，既不算降价，也不算最低价。"
    ),
    "Prices flagged to hold only below their rate limit: {count}.": "被标记为只在限流之下成立的价格：{count} 个。",
    "Prices over the cost of serving: the models with most sellers, cheapest against cost first": (
        "价格与服务成本：供应商最多的模型（相对成本最便宜者在前）"
    ),
    "Promotions that began: {began}; ended: {ended}; changed depth: {changed}. The old price is what was billed "
    "before.": ("{began} 个促销开始，{ended} 个结束，{changed} 个力度变化。旧价为此前实际计费价。"),
    "Requests a minute": "每分钟请求",
    "Served as sold: nothing was assessed up to this week. Offers that changed their declared precision: {changed}.": (
        "名实是否相符：截至本周尚无评估。{changed} 个报价改变了声明的精度。"
    ),
    "Served as sold: suspected of less than the model's released precision without saying so: {count}.": (
        "名实是否相符：{count} 个报价被怀疑以低于模型发布的精度服务而未说明。"
    ),
    "Serving {model} costs {factor} times less in the week of {day} than what would have been served in its place on "
    "{since}, a dense model on that day's hardware: ${high} then, ${low} now per million tokens of the mix of the "
    "assumption '{scenario}'. A factor is what a change brings after the ones before it; a price that fell by more "
    "than all of them gave up margin.": (
        "在 {day} 当周，服务 {model} 的成本是 {since} 时同等替代品（当日硬件上的稠密模型）的 1/{factor}：按假设情"
        "景“{scenario}”的组合，每百万词元当时 ${high}，现在 ${low}。每个倍数是该项变化在前几项之后带来的；价格"
        "降幅超过全部倍数之积者，让出的是利润。"
    ),
    "Sold under the same name with another label than before": "同名而标签已变",
    "Sold under the same name with another precision label than before: {offers}.": (
        "同名出售而精度标签已变：{offers}。"
    ),
    "Standard tier, proven prices above zero, 3:1 blend of input and output in dollars. 'At a time' is how many "
    "requests of 3,400 tokens in and 500 out the seller's published limits carry at once; where the cheapest "
    "seller's limits do not, the cheapest that carries more follows on the next line. A seller without a published "
    "limit is not known to refuse.": (
        "标准档，价格可信且大于零，按输入输出 3:1 混合并折合美元。“并发请求”是按该供应商公布的限额可同时承载的"
        "请求数（每个输入 3,400、输出 500 词元）；最便宜者承载不了时，下一行是能承载更多的最低价。未公布限额的供"
        "应商，并不知道它会拒绝。"
    ),
    "Surest, from circumstance and without an audit: {offers}.": "最确定的（据旁证，未经审计）：{offers}。",
    "Suspected: nothing is declared": "存疑：未作声明",
    "The widest swing is {offer}, a router's headline that follows the discounts of its hosts: {times} moves between "
    "{low} and {high} {currency} per million output tokens.": (
        "波动最大的是 {offer}（路由器的展示价，随其主机的折扣而变）：变动 {times} 次，每百万输出词元在 {low} 至 {high}"
        " {currency} 之间。"
    ),
    "The widest swing is {offer}: {times} moves between {low} and {high} {currency} per million output tokens.": (
        "波动最大的是 {offer}：变动 {times} 次，每百万输出词元在 {low} 至 {high} {currency} 之间。"
    ),
    "Then $/M": "当时 $/百万",
    "Tokens, billions": "词元（十亿）",
    "What each change brought, all models with a cost": "各项变化的贡献（全部有成本的模型）",
    "What made cost fall": "成本因何下降",
    "What made {model} cheaper to serve": "{model} 的服务成本因何下降",
    "architecture (sparse experts, smaller caches)": "架构（稀疏专家、更小的缓存）",
    "continuous batching": "连续批处理",
    "hardware and rents": "硬件与租金",
    "precision": "精度",
    "serving software": "推理软件",
    "speculation": "投机解码",
    "start": "起点",
    "{count} offers moved to and fro: {sellers}. They are told here once and in no other table. A router's headline "
    "price wanders as the discounts of the hosts behind it come and go.": (
        "{count} 个报价来回波动：{sellers}。它们只在此处列出一次。路由器的展示价随其背后主机的折扣来去而波动。"
    ),
    "{model}: from ${high} to ${low} per million tokens. {factors}.": (
        "{model}：每百万词元由 ${high} 降至 ${low}。{factors}。"
    ),
    "Prices are per million tokens in the seller's currency unless a column says $. An offer is written "
    "seller/listed-name, with :tier, @region and #router where they apply; a 3:1 blend is three parts input to one "
    "part output. Written from the published ledger; the same ledger and week give the same bytes. Names are printed "
    "exactly as sources list them.": (
        "除非列名标有 $，价格为供应商币种每百万词元。报价写作“供应商/列出的名称”，必要时加 :档位、@地区与 #路由"
        "器；3:1 混合指三份输入对一份输出。由已发布的账本写成；相同的账本与周次得到相同的字节。名称按来源原样列出"
        "。"
    ),
}
